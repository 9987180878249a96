/** What stands around the rows of a list: what is wrong with its filters, nothing found, its other pages. */
import { sentence } from './visible.tsx';
import type { ListProblem } from '../../server/http/pages.ts';

/** Why the list could not be made, and what to do about it; nothing when it could. */
export function Problem({ problem }: { readonly problem: ListProblem | null }) {
  if (problem === null) return null;
  return (
    <p class="notice bad" role="alert">
      <strong>{sentence(problem.message)}</strong> {sentence(problem.hint)}
    </p>
  );
}

/** Nothing is left of a list that was narrowed down. */
export function NothingMatches(props: {
  /** What the list is of: `entry`, `entries`. */
  readonly one: string;
  readonly many: string;
  /** Of the whole list. */
  readonly path: string;
}) {
  const { many, one, path } = props;
  return (
    <div class="panel empty">
      <h2>No {one} matches</h2>
      <p>
        Loosen a filter, or <a href={path}>show all {many}</a>.
      </p>
    </div>
  );
}

/** The ways to the other pages of a list that has newest things first; nothing when it has only one. */
export function Pager(props: {
  /** What the list is of: `sessions`. */
  readonly of: string;
  readonly label: string;
  /** Of the page that begins there; null = the first. */
  readonly address: (cursor: string | null) => string;
  readonly next: string | null;
  /** This isn't the first page. */
  readonly continued: boolean;
}) {
  const { address, continued, label, next, of } = props;
  if (next === null && !continued) return null;
  return (
    <nav class="row pager" aria-label={label}>
      {continued && <a href={address(null)}>Newest {of}</a>}
      <span class="grow" />
      {next !== null && (
        <a class="button" rel="next" id="older" href={address(next)}>
          Older {of}
        </a>
      )}
    </nav>
  );
}
