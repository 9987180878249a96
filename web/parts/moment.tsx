/** A point in time in UTC, for people and for programs. */
import { dateTime } from './format.ts';

export function Moment(props: {
  /** ISO 8601 */
  readonly at: string;
  /** Where nothing around it says so. */
  readonly saysUtc?: boolean;
}) {
  const { at, saysUtc = false } = props;
  return (
    <time dateTime={at}>
      {dateTime(at)}
      {saysUtc && ' UTC'}
    </time>
  );
}
