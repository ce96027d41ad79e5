import { join, relative } from "node:path";
import type { Host } from "../edge/local/host.ts";

/** What a person reads when the stack is up. Secrets are shown on the first start only. */
export function upText(host: Host): string {
  const credentials = nearPath(join(host.dataDir, "credentials.json"));
  const secrets = host.isFirstStart
    ? [
        `  API key      ${host.apiKey}`,
        `  admin token  ${host.adminToken}`,
        `  both are kept in ${credentials}; they are not shown again`,
      ]
    : [`  API key and admin token are in ${credentials}`];
  return [
    `Trawl is running at ${host.url}`,
    `  downloads    ${nearPath(host.downloadsDir)}`,
    ...secrets,
    "",
    "Try it:",
    `  trawl add --wait https://example.com/video.mp4`,
    ...curlLines(host.url, host.isFirstStart ? host.apiKey : "$TRAWL_API_KEY", "https://example.com/video.mp4"),
    "",
    "Ctrl-C stops it.",
    "",
  ].join("\n");
}

/** The request that creates a job, as a person would type it. */
export function curlLines(url: string, apiKey: string, mediaUrl: string): string[] {
  return [
    `  curl -X POST ${url}/jobs -H "x-api-key: ${apiKey}" \\`,
    `    -H "content-type: application/json" -d '${JSON.stringify({ url: mediaUrl })}'`,
  ];
}

function nearPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === "" || near.startsWith("..") ? path : near;
}
