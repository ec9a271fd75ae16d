/**
 * The language of scripted models. A script is a text of lines; each keyword begins a line:
 *
 *     RUN: <shell command>        calls the tool `terminal`
 *     TOOL: <name> <JSON>         calls any tool; the JSON is passed on as it stands, valid or not
 *     FINISH: <text>              calls the tool `finish`
 *     SAY: <text>                 says something: with the call right below it, or as an answer of its own
 *     THINK: <text>               reasoning that comes before what the same step says or does
 *     AND RUN: / AND TOOL: ...    one more call in the same answer
 *     WAIT: <seconds>             the next step takes that long
 *     FAIL: <status> <message> the next step fails first: each FAIL above it is one attempt; nothing after
 *     it: all fail
 *
 * One answer of the model is one step. Lines that begin with no keyword belong to the line above (so a
 * command may have several lines); before the first keyword they are ignored.
 */
export interface ScriptStep {
  /** Seconds. */
  wait: number;
  /** Failures of the first attempts. */
  failures: ScriptedFailure[];
  /** All attempts fail. */
  failsForever: boolean;
  reasoning?: string;
  text?: string;
  calls: ScriptedCall[];
}

/** An error response of a provider. */
export interface ScriptedFailure {
  /** HTTP status. */
  status: number;
  message: string;
}

/** A tool call; `arguments` is JSON text. */
export interface ScriptedCall {
  name: string;
  arguments: string;
}

const KEYWORD_LINE = /^\s*(AND\s+)?(RUN|TOOL|FINISH|SAY|THINK|WAIT|FAIL):[ \t]?(.*)$/;

interface Line {
  and: boolean;
  keyword: string;
  value: string;
}

/** Parses a script; a text without keywords has no steps. */
export function parseScript(text: string): ScriptStep[] {
  const steps: ScriptStep[] = [];
  let step = emptyStep();
  let hasContent = false;
  const close = (): void => {
    if (hasContent) steps.push(step);
    step = emptyStep();
    hasContent = false;
  };
  for (const { and, keyword, value } of keywordLines(text)) {
    const call = scriptedCall(keyword, value);
    if (call) {
      if (!and && step.calls.length > 0) close();
      step.calls.push(call);
      hasContent = true;
      continue;
    }
    // Within a step everything else precedes the calls.
    if (step.calls.length > 0) close();
    switch (keyword) {
      case 'SAY':
        step.text = joined(step.text, value);
        hasContent = true;
        break;
      case 'THINK':
        if (step.text !== undefined) close();
        step.reasoning = joined(step.reasoning, value);
        hasContent = true;
        break;
      case 'WAIT':
        if (hasContent) close();
        step.wait += Math.max(0, Number.parseFloat(value) || 0);
        break;
      case 'FAIL':
        if (hasContent) close();
        step.failures.push(scriptedFailure(value));
        break;
    }
  }
  if (!hasContent && step.failures.length > 0) steps.push({ ...step, failsForever: true });
  else close();
  return steps;
}

function emptyStep(): ScriptStep {
  return { wait: 0, failures: [], failsForever: false, calls: [] };
}

function joined(before: string | undefined, text: string): string {
  return before === undefined ? text : `${before}\n${text}`;
}

function keywordLines(text: string): Line[] {
  const lines: Line[] = [];
  for (const line of text.split('\n')) {
    const [, and, keyword, value] = KEYWORD_LINE.exec(line) ?? [];
    const last = lines.at(-1);
    if (keyword !== undefined && value !== undefined) lines.push({ and: and !== undefined, keyword, value });
    else if (last) last.value += `\n${line}`;
  }
  return lines.map((line) => ({ ...line, value: line.value.trimEnd() }));
}

function scriptedCall(keyword: string, value: string): ScriptedCall | undefined {
  switch (keyword) {
    case 'RUN':
      return { name: 'terminal', arguments: JSON.stringify({ command: value }) };
    case 'FINISH':
      return { name: 'finish', arguments: JSON.stringify({ message: value }) };
    case 'TOOL': {
      const text = value.trimStart();
      const [head = '', name = ''] = /^(\S*)\s*/.exec(text) ?? [];
      const json = text.slice(head.length);
      return { name, arguments: json === '' ? '{}' : json };
    }
    default:
      return undefined;
  }
}

function scriptedFailure(value: string): ScriptedFailure {
  const text = value.trimStart();
  const [head = '', status = '500'] = /^(\d{3})?\s*/.exec(text) ?? [];
  const message = text.slice(head.length);
  return { status: Number(status), message: message === '' ? 'scripted failure' : message };
}
