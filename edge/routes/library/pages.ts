/** Pagination of the library API (section 1.4 there). */
import { AppError } from "../../app-error.ts";
import type { AppContext } from "../http.ts";

const MAX_PER_PAGE = 1_000;
const INTEGER = /^\s*[+-]?\d+\s*$/;

export interface AskedPage {
  /** From 1. */
  page: number;
  perPage: number;
}

export interface Pagination {
  page: number;
  per_page: number;
  total: number;
  total_pages: number;
  has_next: boolean;
  has_prev: boolean;
}

/**
 * The query's `page` and `per_page`.
 *
 * @throws AppError 400
 */
export function readPage(context: AppContext, defaultPerPage: number): AskedPage {
  const page = context.req.query("page") ?? "1";
  const perPage = context.req.query("per_page") ?? String(defaultPerPage);
  if (!INTEGER.test(page) || !INTEGER.test(perPage)) {
    throw new AppError("invalid", "page and per_page must be valid integers.");
  }
  if (Number(page) < 1) throw new AppError("invalid", "page must be >= 1.");
  if (Number(perPage) < 1 || Number(perPage) > MAX_PER_PAGE) {
    throw new AppError("invalid", `per_page must be between 1 and ${MAX_PER_PAGE}.`);
  }
  return { page: Number(page), perPage: Number(perPage) };
}

/** A page past the end is the last one. */
export function paginate({ page, perPage }: AskedPage, total: number): { pagination: Pagination; offset: number } {
  const pages = Math.max(1, Math.ceil(total / perPage));
  const shown = Math.min(page, pages);
  return {
    pagination: {
      page: shown,
      per_page: perPage,
      total,
      total_pages: pages,
      has_next: shown < pages,
      has_prev: shown > 1,
    },
    offset: (shown - 1) * perPage,
  };
}
