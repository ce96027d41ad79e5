/** The admin API as the commands use it: fixed answers, so that tests see what is printed. */

export const NODE = {
  id: "n1",
  name: "fra-07",
  state: "running",
  reason: null as string | null,
  slots: { download: 4, live: 8 },
  running: 2,
  tags: ["region=eu"],
  versions: { node: "24.0.0", ytdlp: "2026.10.26", ffmpeg: "7.1", adapter: "command-line" },
  last_seen: 1_796_119_200_000,
  cool_downs: [{ host: "busy.example", until: 1_796_119_260_000 }],
};

/** Of an edge of before the reason was told, too. */
const { reason: _, ...OLD_EDGE } = NODE;

/** Enrolled, and never started. */
export const NEW_NODE = {
  ...OLD_EDGE,
  ...{ id: "n2", name: "fra-\u001b[31m08", state: "offline", slots: {}, running: 0, tags: [], versions: {} },
  ...{ last_seen: null, cool_downs: [] },
};

export const QUIET_NODE = {
  ...NODE,
  ...{ id: "n3", name: "fra-09", state: "quiet", reason: "yt-dlp 2026.05.01 is older than 2026.07.04", cool_downs: [] },
};

const ACCOUNT = {
  id: "a1",
  name: "Studio North",
  limits: { max_queued: 7 },
  pool: "own_first",
  created_at: 1_796_119_200_000,
};

const ANSWERS: Record<string, [number, unknown]> = {
  "POST /admin/enrolments": [201, { id: "e1", token: "enr_1", expires_at: 1_796_119_200_000 }],
  "GET /admin/nodes": [200, { nodes: [NODE, NEW_NODE, QUIET_NODE] }],
  "POST /admin/nodes/n1/drain": [200, { ...NODE, state: "quiet", reason: "drained by the operator" }],
  "POST /admin/nodes/n1/resume": [200, { ...NODE, running: 0 }],
  "DELETE /admin/nodes/n1": [200, { id: "n1", revoked: true }],
  "GET /admin/accounts": [200, { accounts: [ACCOUNT] }],
  "POST /admin/accounts": [201, ACCOUNT],
  "POST /admin/accounts/a1/keys": [
    201,
    { id: "k1", key: "sk_abc", prefix: "sk_abc", last4: "_abc", scopes: ["jobs:read"] },
  ],
  "DELETE /admin/keys/k1": [200, { id: "k1", revoked: true }],
};

export function answerAdmin(method: string, path: string): [number, unknown] {
  const kind = path.split("/")[2] === "nodes" ? "Node" : "Account";
  return ANSWERS[`${method} ${path}`] ?? [404, { error: `${kind} not found` }];
}
