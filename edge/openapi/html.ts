/** Text into HTML. */

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** Text with Markdown's code spans, the only mark-up that our texts use. */
export function prose(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, "<code>$1</code>");
}

export function code(text: string): string {
  return `<code>${escapeHtml(text)}</code>`;
}

export function pre(value: unknown): string {
  return `<pre>${escapeHtml(typeof value === "string" ? value : JSON.stringify(value, null, 2))}</pre>`;
}

/** Where a schema stands on the page. */
export function anchor(schemaName: string): string {
  return `schema-${schemaName}`;
}
