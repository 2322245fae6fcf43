import { location } from '../router.ts';
import { Icon } from './icon.tsx';

type PagingProps = {
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  /** What further pages hold: "Older", "Next". */
  next?: string;
  first?: string;
};

/** Links through a list whose place stands in the address as `after`; the browser's back button is the way back. */
export function Paging({ pageInfo, next = 'Next', first = 'First page' }: PagingProps) {
  const { path, query } = location.value;
  const isFirst = !query.has('after');
  if (isFirst && !pageInfo.hasNextPage) return null;
  const to = (after: string | null) => {
    const search = new URLSearchParams(query);
    search.delete('after');
    if (after) search.set('after', after);
    return path + (search.size > 0 ? `?${search}` : '');
  };
  return (
    <nav class="paging" aria-label="Pages">
      {!isFirst && (
        <a class="button plain" href={to(null)}>
          <Icon name="back" />
          <span>{first}</span>
        </a>
      )}
      {pageInfo.hasNextPage && (
        <a class="button plain" href={to(pageInfo.endCursor)}>
          <span>{next}</span>
          <Icon name="next" />
        </a>
      )}
    </nav>
  );
}
