import { recordAt, textAt, type WireEvent } from './stream/wire-event.js';

/** What an action would do, for a person who decides about it. */
export interface ActionText {
  tool: string;
  /** The most telling argument: a command, an address, a path. */
  main: string;
  /** The other arguments. */
  rest: string;
}

/** Arguments that say by themselves what a call does. */
const MAIN_ARGUMENTS = ['command', 'url', 'code', 'prompt', 'query'];
/** Fields of the event that are no arguments. */
const NO_ARGUMENTS = new Set(['kind', 'security_risk', 'summary']);

/** The arguments of an action as the server has validated them. */
export function actionText(event: WireEvent): ActionText {
  const tool = textAt(event, 'tool_name') || 'tool';
  const fields = recordAt(event, 'action') ?? {};
  const path = textAt(fields, 'path');
  const name = path === '' ? MAIN_ARGUMENTS.find((candidate) => textAt(fields, candidate) !== '') : undefined;
  const rest = Object.entries(fields).filter(
    ([field, value]) =>
      field !== name &&
      !NO_ARGUMENTS.has(field) &&
      value !== null &&
      value !== false &&
      !isPartOfMain(field, path),
  );
  const verb = path === '' ? '' : textAt(fields, 'command');
  return {
    tool,
    main: path === '' ? (name === undefined ? '' : textAt(fields, name)) : `${verb} ${path}`.trim(),
    rest: rest.map(([field, value]) => `${field}: ${format(value)}`).join('\n'),
  };
}

function isPartOfMain(field: string, path: string): boolean {
  return path !== '' && (field === 'path' || field === 'command');
}

function format(value: unknown): string {
  if (typeof value === 'string') return value.includes('\n') ? `\n${value}` : value;
  return JSON.stringify(value, undefined, 1);
}
