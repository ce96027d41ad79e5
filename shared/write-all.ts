/** As much of an open file as is needed here; node's `FileHandle` fits. */
export interface WritableFile {
  writev(buffers: readonly Uint8Array[], position: number): Promise<{ bytesWritten: number }>;
}

/** Writes all of the buffers from `at` on, one behind the other. A short write is legal: near a full disk, for one. */
export async function writeAll(file: WritableFile, buffers: readonly Uint8Array[], at: number): Promise<void> {
  let rest = buffers.filter((buffer) => buffer.length > 0);
  let position = at;
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest, position);
    position += bytesWritten;
    while (rest[0] !== undefined && bytesWritten >= rest[0].length) {
      bytesWritten -= rest[0].length;
      rest = rest.slice(1);
    }
    if (rest[0] !== undefined && bytesWritten > 0) rest = [rest[0].subarray(bytesWritten), ...rest.slice(1)];
  }
}
