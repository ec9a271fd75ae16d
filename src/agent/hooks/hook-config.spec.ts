import fc from 'fast-check';
import { hasHooks, hooksFor, hookConfigForEvent } from './hook-config.js';

const config = (matcher: unknown, hooks: unknown = [{ command: 'x' }]) => ({
  pre_tool_use: [{ matcher, hooks }],
});
const isSelected = (matcher: string, tool?: string) =>
  hooksFor(config(matcher), 'PreToolUse', tool).length === 1;

describe('hook configuration', () => {
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
    // Patterns that are invalid or time out match everything.
    ['[', 'terminal', true],
    ['(t+)+$', `${'t'.repeat(64)}!`, true],
  ])('matches the matcher %j with the tool %j: %s', (matcher, tool, expected) => {
    expect(isSelected(matcher, tool)).toBe(expected);
  });

  it('selects only matchers for all tools when an event has no tool', () => {
    expect([isSelected('*'), isSelected(''), isSelected('terminal'), isSelected('.*')]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('fills in defaults', () => {
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

  it('accepts any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, tool) => {
        const stored = { pre_tool_use: value };
        expect(Array.isArray(hooksFor(stored, 'PreToolUse', tool))).toBe(true);
        expect(typeof hasHooks(stored, 'PreToolUse')).toBe('boolean');
        hookConfigForEvent(stored);
      }),
    );
  });

  it('bounds the time of catastrophic patterns, which then match every tool', () => {
    const started = performance.now();
    const config = {
      pre_tool_use: Array.from({ length: 200 }, () => ({ matcher: '(a+)+$', hooks: [{ command: 'x' }] })),
    };
    expect(hooksFor(config, 'PreToolUse', `${'a'.repeat(60)}!`)).toHaveLength(200);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
