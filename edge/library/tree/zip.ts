/** Files of the tree as one ZIP, made while it is read (library API 9.6): stored entries, zip64 where it takes it. */
import { makeZip } from "client-zip";
import type { TreeRow } from "../../db/tree.ts";
import { lookAt } from "./compare.ts";
import type { Tree } from "./open-tree.ts";

/**
 * Nothing is read before somebody reads the ZIP, and one file at a time. One that is gone by the time that its turn comes
 * breaks the ZIP off: a client is not to take for whole what lacks a file.
 */
export function zipOf(tree: Tree, rows: readonly TreeRow[]): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream();
  // Of a ZIP that breaks off the reader hears; nobody else is there to.
  makeZip(entries(tree, rows))
    .pipeTo(writable)
    .catch(() => {});
  return readable;
}

async function* entries(tree: Tree, rows: readonly TreeRow[]) {
  for (const { path } of rows) {
    const row = await lookAt(tree, path);
    const bytes = row?.store_key == null ? null : await tree.store.read(row.store_key, null, row.etag);
    if (row === null || bytes === null) throw new Error("a file of the ZIP is gone");
    const reader = bytes.getReader();
    try {
      yield { name: row.path, lastModified: new Date(row.mtime), input: handedOn(reader) };
    } finally {
      // Whoever stops reading the ZIP stops here: the library cancels nothing of what it was reading.
      await reader.cancel().catch(() => undefined);
    }
  }
}

function handedOn(reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
}
