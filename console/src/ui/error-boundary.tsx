import { Component, type ComponentChildren } from 'preact';
import { messageOf } from '../api/api-error.js';
import { Problem } from './problem.js';

interface Props {
  children: ComponentChildren;
  /** What has failed, such as `This view`. */
  name: string;
  /** A change of it is another attempt. */
  attempt: string;
}

/** Shows what has failed in place of a part of the page, and leaves the rest as it is. */
export class ErrorBoundary extends Component<Props, { error: unknown; hasFailed: boolean }> {
  override state = { error: undefined, hasFailed: false };

  override componentDidCatch(error: unknown): void {
    this.setState({ error, hasFailed: true });
  }

  override componentDidUpdate(before: Props): void {
    if (this.state.hasFailed && before.attempt !== this.props.attempt)
      this.setState({ error: undefined, hasFailed: false });
  }

  override render({ children, name }: Props) {
    if (!this.state.hasFailed) return children;
    return (
      <Problem
        title={`${name} has failed`}
        detail={
          <>
            A mistake in the console, not in your agents: they go on working. Reload the page; if it fails
            again, report this:
            <code class="problem-code">{textOf(this.state.error)}</code>
          </>
        }
        action={{ label: 'Reload', run: () => location.reload() }}
      />
    );
  }
}

function textOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return (stack.includes(messageOf(error)) ? stack : `${messageOf(error)}\n${stack}`).slice(0, 2_000);
}
