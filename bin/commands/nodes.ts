import { Command } from "commander";
import { z } from "zod";
import { apiClient } from "../api-client.ts";
import { resolveConnection } from "../connection.ts";
import { printable } from "../format.ts";
import { print, printTable } from "../print.ts";

const NodeSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  state: z.string(),
  reason: z.string().nullable().optional(),
  slots: z.looseObject({ download: z.number().optional() }),
  running: z.number(),
  tags: z.array(z.string()),
  versions: z.looseObject({ ytdlp: z.string().optional(), adapter: z.string().optional() }),
  last_seen: z.number().nullable(),
  cool_downs: z.array(z.object({ host: z.string(), until: z.number() })),
});
type FleetNode = z.infer<typeof NodeSchema>;
const NodesSchema = z.looseObject({
  nodes: z.array(NodeSchema),
  /** Partitions that did not answer. */
  unavailable: z.array(z.string()).optional(),
});
const RemovedSchema = z.looseObject({ id: z.string() });

type Flags = { json?: boolean };

/** `trawl nodes`: the fleet, and orders to its nodes. */
export function nodesCommand(): Command {
  const list = new Command("list")
    .description("list the nodes (what `trawl nodes` alone does)")
    .option("--json", "the list as JSON")
    .action(listNodes);
  const drain = new Command("drain")
    .description("let a node finish what it has and give it nothing new")
    .argument("<id>", "node id")
    .option("--json", "the node as JSON")
    .action((id: string, flags: Flags) => order(id, "drain", flags));
  const resume = new Command("resume")
    .description("give work again to a node that was drained or in quarantine")
    .argument("<id>", "node id")
    .option("--json", "the node as JSON")
    .action((id: string, flags: Flags) => order(id, "resume", flags));
  const remove = new Command("remove")
    .description("revoke a node: what it holds goes to others")
    .argument("<id>", "node id")
    .option("--json", "the answer as JSON")
    .action(removeNode);
  return new Command("nodes")
    .description("list, drain, resume or remove worker nodes")
    .addCommand(list, { isDefault: true })
    .addCommand(drain)
    .addCommand(resume)
    .addCommand(remove);
}

async function listNodes(flags: Flags): Promise<void> {
  const client = apiClient(await resolveConnection());
  const answer = await client.json(NodesSchema, "/admin/nodes", { as: "admin" });
  const head = [
    "ID",
    "NAME",
    "STATE",
    "RUNNING",
    "SLOTS",
    "YT-DLP",
    "RUN BY",
    "LAST SEEN",
    "TAGS",
    "RESTS FROM",
    "QUIET BECAUSE",
  ];
  printTable(flags.json, answer, head, answer.nodes.map(row), "no nodes; make a token for one with: trawl enrol");
  for (const partition of answer.unavailable ?? []) {
    process.stderr.write(
      `trawl: partition ${printable(partition)} did not answer: what it knows of the nodes is missing\n`,
    );
  }
}

function row(node: FleetNode): string[] {
  return [
    node.id,
    printable(node.name),
    node.state,
    String(node.running),
    String(node.slots.download ?? "-"),
    printable(node.versions.ytdlp ?? "-"),
    printable(node.versions.adapter ?? "-"),
    node.last_seen === null ? "never" : new Date(node.last_seen).toISOString().slice(0, 19),
    node.tags.join(",") || "-",
    printable(node.cool_downs.map((each) => each.host).join(",")) || "-",
    printable(node.reason ?? "-"),
  ];
}

async function order(id: string, what: "drain" | "resume", flags: Flags): Promise<void> {
  const client = apiClient(await resolveConnection());
  const path = `/admin/nodes/${encodeURIComponent(id)}/${what}`;
  const node = await client.json(NodeSchema, path, { method: "POST", as: "admin" });
  const rest = node.running === 0 ? "nothing runs on it" : `${node.running} of its jobs still run`;
  print(flags.json, node, `${printable(node.name)} is ${node.state}; ${rest}`);
}

async function removeNode(id: string, flags: Flags): Promise<void> {
  const client = apiClient(await resolveConnection());
  const path = `/admin/nodes/${encodeURIComponent(id)}`;
  const answer = await client.json(RemovedSchema, path, { method: "DELETE", as: "admin" });
  print(flags.json, answer, `${answer.id} is removed; its jobs go to other nodes`);
}
