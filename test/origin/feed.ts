import { stat } from "node:fs/promises";
import { join } from "node:path";
import { EPISODE_SECONDS } from "./recipes.ts";

/**
 * A podcast of three episodes, newest first. `?items=n` shows the oldest n only: a subscriber who asks with 1 and later
 * with 2 sees a feed that has grown.
 */
export async function feed(mediaDir: string, address: string, query: URLSearchParams): Promise<string> {
  const items = await Promise.all(
    EPISODE_SECONDS.map((seconds, index) => episode(mediaDir, address, index + 1, seconds)),
  );
  const shown = items.slice(0, Number(query.get("items") ?? items.length)).reverse();
  return `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:atom="http://www.w3.org/2005/Atom">
<channel>
  <title>The Beep Hour</title>
  <link>${address}/pages/plain</link>
  <atom:link href="${address}/feed.xml" rel="self" type="application/rss+xml"/>
  <description>One beep a second, for as long as it lasts.</description>
  <language>en</language>
  <itunes:author>Fixture Radio</itunes:author>
  <itunes:image href="${address}/thumbs/thumb.jpg"/>
  <itunes:explicit>false</itunes:explicit>
${shown.join("\n")}
</channel>
</rss>
`;
}

async function episode(mediaDir: string, address: string, number: number, seconds: number): Promise<string> {
  const file = `episodes/${number}.mp3`;
  const { size } = await stat(join(mediaDir, file));
  return `  <item>
    <title>Episode ${number}: ${seconds} beeps</title>
    <link>${address}/pages/episode-${number}</link>
    <guid isPermaLink="false">beep-hour-${number}</guid>
    <pubDate>${new Date(Date.UTC(2024, 0, number, 12)).toUTCString()}</pubDate>
    <description>In which there are ${seconds} beeps &amp; nothing else.</description>
    <enclosure url="${address}/${file}" length="${size}" type="audio/mpeg"/>
    <itunes:episode>${number}</itunes:episode>
    <itunes:season>1</itunes:season>
    <itunes:duration>00:00:0${seconds}</itunes:duration>
    <itunes:author>Fixture Radio</itunes:author>
    <itunes:image href="${address}/thumbs/thumb.png"/>
  </item>`;
}
