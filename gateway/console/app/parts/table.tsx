import type { ComponentChildren } from 'preact';

export type Column<Row> = {
  head: string;
  cell: (row: Row) => ComponentChildren;
  /** Numbers stand to the right. */
  end?: boolean;
  /** Left out where the screen is narrow. */
  wide?: boolean;
  /** Names the row; at most one column. */
  heads?: boolean;
};

type TableProps<Row> = {
  /** Says what the table holds to those who cannot see what stands above it. */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string | number;
  /** Of a row, such as for one that has just come. */
  classOf?: (row: Row) => string | undefined;
};

/** A table of rows; a link in the column that heads them is as large as the row. */
export function Table<Row>({ caption, columns, rows, keyOf, classOf }: TableProps<Row>) {
  const classes = ({ end, wide }: Column<Row>) => [end && 'end', wide && 'wide'].filter(Boolean).join(' ') || undefined;
  return (
    <div class="table-scroll">
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map(column => (
              <th key={column.head} scope="col" class={classes(column)}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={keyOf(row)} class={classOf?.(row)}>
              {columns.map(column =>
                column.heads ? (
                  <th key={column.head} scope="row" class={classes(column)}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.head} class={classes(column)}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
