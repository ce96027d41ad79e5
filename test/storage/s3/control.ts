/** How tests steer the fake S3 (`fake-s3.ts`), over the wire or as an object. */
/** The next calls of an operation (on a key) go wrong, `times` of them. */
export interface S3Fault {
  operation: Operation;
  key?: string;
  /** Of one bucket alone. */
  bucket?: string;
  times: number;
  /**
   * `lost`: done, and the answer never sent. `late-error`: 200, with an error in the body. `hang`: no answer at all. `replaced`:
   * done, and at once another object of that size and with the same metadata is put in its place; `replaced-lost`: both.
   */
  how: { status: number; code: string; told?: Told } | "lost" | "late-error" | "hang" | "replaced" | "replaced-lost";
}

/** Where the bucket is, as Amazon says it beside a refusal. */
export interface Told {
  region: string;
  endpoint?: string;
}

export type Operation = "put" | "begin" | "part" | "complete" | "abort" | "head" | "get" | "delete" | "list";

export const FAKE_S3 = "https://s3.fake";
export const FAKE_S3_CONTROL = "https://control.s3.fake/";

/** What a test may ask of the server. */
export type S3Control =
  | { do: "fail"; fault: S3Fault }
  | { do: "deny"; accessKey: string; denied: boolean }
  /** All uploads that lie open in the bucket were begun so much earlier. */
  | { do: "age"; bucket: string; byMs: number }
  | { do: "put"; bucket: string; key: string; text: string }
  | { do: "look"; bucket: string };

export interface S3Look {
  /** Text of each object, by key. */
  objects: Record<string, string>;
  /** Keys of unfinished uploads. */
  uploads: string[];
  /** What was asked, in order. */
  calls: string[];
}
