import fc from 'fast-check';
import { parseScript } from './script.js';

describe('parseScript', () => {
  it('reads one step per answer', () => {
    const steps = parseScript('Please do:\nRUN: echo hi > a.txt && ls\nFINISH: all done');
    expect(steps).toEqual([
      {
        wait: 0,
        failures: [],
        failsForever: false,
        calls: [{ name: 'terminal', arguments: '{"command":"echo hi > a.txt && ls"}' }],
      },
      {
        wait: 0,
        failures: [],
        failsForever: false,
        calls: [{ name: 'finish', arguments: '{"message":"all done"}' }],
      },
    ]);
  });

  it('adds text and reasoning to the call on the following line', () => {
    const [first, second, ...rest] = parseScript('THINK: hm\nSAY: I look\nSAY: around\nRUN: ls\nSAY: bye');
    expect(first).toMatchObject({ reasoning: 'hm', text: 'I look\naround', calls: [{ name: 'terminal' }] });
    expect(second).toMatchObject({ text: 'bye', calls: [] });
    expect(rest).toEqual([]);
  });

  it('combines several calls into one answer', () => {
    const steps = parseScript('RUN: a\nAND RUN: b\nAND TOOL: think {"thought": "x"}\nRUN: c');
    expect(steps.map(({ calls }) => calls.map(({ name }) => name))).toEqual([
      ['terminal', 'terminal', 'think'],
      ['terminal'],
    ]);
  });

  it('appends lines without a keyword to the previous line', () => {
    const [step] = parseScript('RUN: cat > a <<EOF\n  one\n\nEOF\n\n');
    expect(step?.calls[0]?.arguments).toBe(JSON.stringify({ command: 'cat > a <<EOF\n  one\n\nEOF' }));
  });

  it('passes arguments on unchanged', () => {
    const calls = parseScript('TOOL: a {"x": 1}\nTOOL: b {broken\nTOOL: c').map((step) => step.calls[0]);
    expect(calls).toEqual([
      { name: 'a', arguments: '{"x": 1}' },
      { name: 'b', arguments: '{broken' },
      { name: 'c', arguments: '{}' },
    ]);
  });

  it('supports failing attempts and waiting steps', () => {
    const steps = parseScript('WAIT: 0.5\nFAIL: 429 slow down\nFAIL: 500\nSAY: ok\nWAIT: 1\nFAIL: 401');
    expect(steps).toEqual([
      {
        wait: 0.5,
        failures: [
          { status: 429, message: 'slow down' },
          { status: 500, message: 'scripted failure' },
        ],
        failsForever: false,
        text: 'ok',
        calls: [],
      },
      { wait: 1, failures: [{ status: 401, message: 'scripted failure' }], failsForever: true, calls: [] },
    ]);
  });

  it('finds no steps in ordinary text', () => {
    expect(parseScript('hello\nRUNNING: x\nrun: y\n say RUN: z')).toEqual([]);
  });

  it('never throws and returns no empty steps', () => {
    const keyword = fc.constantFrom(
      'RUN: ',
      'SAY: ',
      'THINK: ',
      'TOOL: ',
      'AND TOOL: ',
      'FINISH: ',
      'WAIT: ',
      'FAIL: ',
      '',
    );
    const line = fc.tuple(keyword, fc.string()).map(([word, rest]) => word + rest);
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        for (const step of parseScript(lines.join('\n'))) {
          expect(Number.isFinite(step.wait) && step.wait >= 0).toBe(true);
          const does =
            step.calls.length > 0 ||
            step.text !== undefined ||
            step.reasoning !== undefined ||
            step.failsForever;
          expect(does).toBe(true);
        }
      }),
    );
  });
});
