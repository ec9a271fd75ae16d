import fc from 'fast-check';
import { hasHooks, hooksFor, hookConfigForEvent } from './hook-config.js';

const config = (matcher: unknown, hooks: unknown = [{ command: 'x' }]) => ({
  pre_tool_use: [{ matcher, hooks }],
});
const meant = (matcher: string, tool?: string) => hooksFor(config(matcher), 'PreToolUse', tool).length === 1;

describe('the hooks of a configuration', () => {
  it.each([
    ['*', 'terminal', true],
    ['', 'terminal', true],
    ['terminal', 'terminal', true],
    ['term', 'terminal', false],
    ['Terminal', 'terminal', false],
    ['term.*', 'terminal', true],
    ['erm.*', 'terminal', false],
    ['a|terminal', 'terminal', true],
    ['a|terminal', 'terminal2', false],
    ['/terminal/', 'terminal', true],
    ['/erm/', 'terminal', false],
    ['/(?i)TERMINAL/', 'terminal', true],
    // What cannot be read, or does not come to an end, guards everything.
    ['[', 'terminal', true],
    ['(t+)+$', `${'t'.repeat(64)}!`, true],
  ])('with the matcher %j are meant for %j: %s', (matcher, tool, expected) => {
    expect(meant(matcher, tool)).toBe(expected);
  });

  it('without a tool are only those for everything', () => {
    expect([meant('*'), meant(''), meant('terminal'), meant('.*')]).toEqual([true, true, false, false]);
  });

  it('have their defaults, whatever a file on disk left out', () => {
    expect(hooksFor(config(undefined), 'PreToolUse', 'x')).toEqual([
      {
        type: 'command',
        name: null,
        command: 'x',
        prompt: null,
        system_prompt: null,
        tools: [],
        timeout: 60,
        max_iterations: 3,
        async: false,
      },
    ]);
  });

  it('may be anything on disk', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, tool) => {
        const stored = { pre_tool_use: value };
        expect(Array.isArray(hooksFor(stored, 'PreToolUse', tool))).toBe(true);
        expect(typeof hasHooks(stored, 'PreToolUse')).toBe('boolean');
        hookConfigForEvent(stored);
      }),
    );
  });

  it('are not held up by patterns that search for ever: these guard every tool', () => {
    const started = performance.now();
    const config = {
      pre_tool_use: Array.from({ length: 200 }, () => ({ matcher: '(a+)+$', hooks: [{ command: 'x' }] })),
    };
    expect(hooksFor(config, 'PreToolUse', `${'a'.repeat(60)}!`)).toHaveLength(200);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
