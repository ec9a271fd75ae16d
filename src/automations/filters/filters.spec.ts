import fc from 'fast-check';
import { TimeLimitError } from '../../flow/index.js';
import { EventExpression, ExpressionError } from './event-expression.js';
import { wildcardMatcher } from './wildcards.js';

const PAYLOAD = {
  action: 'opened',
  number: 7,
  labels: [{ name: 'bug' }, { name: 'help wanted' }],
  comment: { body: 'Please look, @OpenHands', empty: '' },
  ref: 'refs/tags/v1.2.0',
  repository: { full_name: 'acme/app', private: false },
};

/** What the pieces of patterns are as regular expressions. */
const MEANINGS: Readonly<Record<string, string>> = { '*': '[^]*', '?': '[^]', '.': '\\.' };

function matches(expression: string, payload: unknown = PAYLOAD): boolean {
  return EventExpression.parse(expression).matches(payload);
}

describe('expressions over payloads', () => {
  it.each([
    "action == 'opened' && number > `5`",
    "labels[?name == 'bug']",
    "contains(labels[].name, 'bug')",
    "glob(repository.full_name, 'acme/*')",
    "icontains(comment.body, '@openhands')",
    "regex(ref, '^refs/tags/v\\d+')",
    "regex(comment.body, '(?i)PLEASE')",
    "lower(comment.body) == 'please look, @openhands'",
    "upper(action) == 'OPENED'",
    "starts_with(ref, 'refs/') && ends_with(ref, '.0')",
    "join('+', labels[].name) == 'bug+help wanted'",
    'to_string(labels[0]) == \'{"name":"bug"}\'',
    '!(repository.private)',
    'length(labels) == `2`',
  ])('match where they hold: %s', (expression) => {
    expect(matches(expression)).toBe(true);
  });

  it.each([
    'missing',
    'comment.empty',
    'labels[?name == `x`]',
    'repository.private',
    "regex(ref, ref || '(')",
  ])('do not match where the value is nothing: %s', (expression) => {
    expect(matches(expression, { ...PAYLOAD, ref: '(' })).toBe(false);
  });

  it.each([
    'foo bar',
    'nothing(a)',
    'pad_left(action, `1000000000`)',
    'let $a = @ in $a',
    '$.action',
    'action ? number : ref',
    'number + `1`',
    "regex(ref, '(')",
    'a'.repeat(2_001),
  ])('are refused when they are no expression that others read as well', (expression) => {
    expect(() => EventExpression.parse(expression)).toThrow(ExpressionError);
  });

  it('fail for arguments of a wrong type, as those of an event may be', () => {
    expect(() => matches('lower(number)')).toThrow('expected argument 1');
  });

  it('end within their time', () => {
    const payload = { text: 'a'.repeat(40), list: Array.from({ length: 20_000 }, (_, index) => index) };
    const started = performance.now();
    expect(() => matches("regex(text, '^(a+)+b$')", payload)).toThrow(TimeLimitError);
    expect(() =>
      matches('list[?contains(@, `-1`)] || list[].[@,@][].[@,@][].[@,@][].[@,@][].[@,@][].[@,@][]', payload),
    ).toThrow();
    const doubled = Array.from({ length: 40 }, () => '[@,@]').join(' | ');
    expect(() => matches(`${doubled} | to_string(@)`, payload)).toThrow();
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('search texts in linear time', () => {
    const payload = { text: 'a'.repeat(20_000), part: `${'a'.repeat(8_000)}b${'a'.repeat(8_000)}` };
    expect(() => matches('contains(text, part)', payload)).not.toThrow();
  });

  it('are read or refused, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.jsonValue({ maxDepth: 3 }), (text, payload) => {
        let expression;
        try {
          expression = EventExpression.parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ExpressionError);
          return;
        }
        try {
          expect(typeof expression.matches(payload)).toBe('boolean');
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('patterns of event keys', () => {
  it.each([
    ['push', 'push', true],
    ['pull_request', 'pull_request.opened', false],
    ['pull_request.*', 'pull_request.opened', true],
    ['*', '', true],
    ['?ush', 'push', true],
    ['[!p]ush', 'push', false],
    ['[a-p]ush', 'push', true],
    ['[]]', ']', true],
    ['[push', '[push', true],
    ['PUSH', 'push', false],
  ])('%s against %s', (pattern, key, expected) => {
    expect(wildcardMatcher(pattern)(key)).toBe(expected);
  });

  it('match as the regular expression that means the same', () => {
    const piece = fc.constantFrom('a', 'b', '.', '*', '?');
    fc.assert(
      fc.property(fc.array(piece), fc.string({ unit: fc.constantFrom('a', 'b', '.') }), (pieces, text) => {
        const source = pieces.map((each) => MEANINGS[each] ?? each).join('');
        expect(wildcardMatcher(pieces.join(''))(text)).toBe(new RegExp(`^(?:${source})$`).test(text));
      }),
    );
  });

  it('take time that grows with the product of the lengths only', () => {
    expect(wildcardMatcher('*a'.repeat(100))(`${'a'.repeat(20_000)}b`)).toBe(false);
  });
});
