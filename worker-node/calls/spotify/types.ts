/** What the resolver knows of a show and of its feed. All of it was written by strangers. */

export interface Episode {
  /** Spotify's own id. */
  id: string;
  title: string;
  description: string | null;
  /** ISO 8601 UTC, to the second. */
  releaseDate: string | null;
}

/** What a page says; each parser may know a part of it only. */
export interface ShowPage {
  title: string | null;
  publisher: string | null;
  /** Episodes of the show in all; a page lists only some. */
  total: number | null;
  /** In the page's order. */
  episodes: Episode[];
}

export interface FeedItem {
  title: string;
  /** As it stands there, mostly HTML: a feed has thousands of them, and few are needed. */
  description: string | null;
  /** ISO 8601 UTC, to the second. */
  releaseDate: string | null;
  /** http(s), of the audio itself. */
  enclosure: string;
}
