/** Where the show resolver asks. The public services unless an operator (or a test) names others. */

export interface ShowServices {
  /** `TRAWL_SPOTIFY_URL`. Defaults to the public site. */
  spotifyUrl?: string | undefined;
  /** `TRAWL_PODCAST_DIRECTORY_URL`: speaks Apple's search API. Defaults to Apple's. */
  directoryUrl?: string | undefined;
}

export interface ResolvedShowServices {
  /** Both without a final slash. */
  spotifyUrl: string;
  directoryUrl: string;
}

const SPOTIFY_URL = "https://open.spotify.com";
const DIRECTORY_URL = "https://itunes.apple.com";

export function resolveShowServices(services: ShowServices = {}): ResolvedShowServices {
  return {
    spotifyUrl: (services.spotifyUrl || SPOTIFY_URL).replace(/\/+$/, ""),
    directoryUrl: (services.directoryUrl || DIRECTORY_URL).replace(/\/+$/, ""),
  };
}
