/** One line of a list of facts. */
import type { ComponentChildren } from 'preact';

export function Fact(props: {
  readonly name: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}
