import { RegExpParser, visitRegExpAST } from '@eslint-community/regexpp';

/**
 * An ESLint rule that complements `regexp/no-super-linear-move`, which checks only quantifiers at the start
 * of an expression. It reports `/<a>[^]*?<\/a>/`: at each `<a>` of a text without `</a>` an attempt starts
 * that reads to the end of the text, so the time is quadratic.
 *
 * It reports an unbounded quantifier in an unanchored expression, if the characters that it repeats can also
 * match the part before it, and the part after it can fail.
 */
export const noRescanningExpression = {
  meta: {
    type: 'problem',
    docs: {
      description: 'disallow expressions that read the rest of a text from each place where they can start',
    },
    messages: {
      rescans:
        "Each occurrence of '{{prefix}}' starts an attempt in which '{{quantifier}}' reads on past the next one: the time is " +
        'quadratic. Exclude the start from the repeated characters, bound the count, or search with indexOf.',
    },
    schema: [],
  },
  create(context) {
    const check = (node, source, flags) => {
      for (const { prefix, quantifier } of rescanning(source, flags)) {
        context.report({ node, messageId: 'rescans', data: { prefix, quantifier } });
      }
    };
    return {
      'Literal[regex]'(node) {
        check(node, node.regex.pattern, node.regex.flags);
      },
      'NewExpression[callee.name="RegExp"], CallExpression[callee.name="RegExp"]'(node) {
        const [source, flags] = node.arguments;
        if (typeof source?.value === 'string') check(node, source.value, flags?.value ?? '');
      },
    };
  },
};

/**
 * @returns {{ prefix: string, quantifier: string }[]} the quantifiers that also match the start of the
 *   expression
 */
export function rescanning(source, flags) {
  if (flags.includes('y')) return [];
  const mode = { unicode: flags.includes('u'), unicodeSets: flags.includes('v') };
  const pattern = new RegExpParser().parsePattern(source, 0, source.length, mode);
  const found = [];
  visitRegExpAST(pattern, {
    onQuantifierEnter(quantifier) {
      if (quantifier.max !== Infinity) return;
      const before = pathTo(quantifier);
      if (!canFailAfter(quantifier)) return;
      const repeated = charactersOf(quantifier, flags);
      for (const { prefix, skipped } of startsOf(before, flags)) {
        const fits = (character) => repeated(character) && skipped(character);
        if (!SAMPLE.some(fits) || !prefix.every((element) => canConsistOf(element, fits, flags))) continue;
        found.push({ prefix: prefix.map(({ raw }) => raw).join(''), quantifier: quantifier.raw });
        return;
      }
    },
  });
  return found;
}

const SIMPLE = ['Character', 'CharacterSet', 'CharacterClass', 'ExpressionCharacterClass'];

/** The parts of an element that each match one character. */
function simpleElements(element) {
  if (SIMPLE.includes(element.type)) return [element];
  if (element.type === 'Quantifier') return simpleElements(element.element);
  if (element.type === 'Assertion') return [];
  return (element.alternatives ?? []).flatMap(({ elements }) => elements.flatMap(simpleElements));
}

const isStart = (element, flags) =>
  element.type === 'Assertion' && element.kind === 'start' && !flags.includes('m');

/**
 * The parts of an expression that can match at many places of a text: its start, unless that is `^`, and what
 * follows an unbounded quantifier, which can end at many places (`^.*<a>.*b`).
 * @returns the elements from there to the quantifier, and the characters that can precede them
 */
function startsOf(before, flags) {
  const isAnchored = before.some((element) => isStart(element, flags));
  const starts = isAnchored || before.length === 0 ? [] : [{ prefix: before, skipped: () => true }];
  for (const [index, element] of before.entries()) {
    const prefix = before.slice(index + 1);
    // Adjacent quantifiers are checked by `regexp/no-super-linear-backtracking`.
    const quantifier = lastQuantifier(element);
    if (quantifier && prefix.length > 0) starts.push({ prefix, skipped: charactersOf(quantifier, flags) });
  }
  return starts;
}

/** The unbounded quantifier that an element is, or that a group ends with. */
function lastQuantifier(element) {
  if (element?.type === 'Quantifier') return element.max === Infinity ? element : undefined;
  if (element?.type !== 'Group' && element?.type !== 'CapturingGroup') return undefined;
  return element.alternatives.map(({ elements }) => lastQuantifier(elements.at(-1))).find(Boolean);
}

/** Returns a function that tests whether a quantifier repeats a character. */
function charactersOf(quantifier, flags) {
  const matchers = simpleElements(quantifier.element).map((element) => matcher(element, flags));
  return (character) => matchers.some((matches) => matches(character));
}

/** The elements before a node in its alternative, and before the groups that contain it. */
function pathTo(node) {
  const before = [];
  for (let at = node; at.parent; at = at.parent) {
    if (at.parent.type === 'Alternative') {
      const { elements } = at.parent;
      before.unshift(...elements.slice(0, elements.indexOf(at)));
    }
  }
  return before;
}

/** Whether the part of the expression after a quantifier can fail to match. */
function canFailAfter(node) {
  for (let at = node; at.parent; at = at.parent) {
    if (at.parent.type !== 'Alternative') continue;
    const { elements } = at.parent;
    if (elements.slice(elements.indexOf(at) + 1).some((element) => !isOptional(element))) return true;
  }
  return node.min > 1;
}

const isOptional = (element) => element.type === 'Quantifier' && element.min === 0;

function matcher(element, flags) {
  const expression = new RegExp(`^(?:${element.raw})$`, flags.replace(/[gy]/g, ''));
  return (character) => expression.test(character);
}

const SAMPLE = [...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)), '\u2028', 'あ'];

/** Whether an element can match a text that consists of repeated characters. */
function canConsistOf(element, repeated, flags) {
  switch (element.type) {
    case 'Character':
    case 'CharacterSet':
    case 'CharacterClass':
    case 'ExpressionCharacterClass': {
      const matches = matcher(element, flags);
      if (element.type === 'Character') return repeated(String.fromCodePoint(element.value));
      return SAMPLE.some((character) => matches(character) && repeated(character));
    }
    case 'Quantifier':
      return element.min === 0 || canConsistOf(element.element, repeated, flags);
    case 'Group':
    case 'CapturingGroup':
      return element.alternatives.some(({ elements }) =>
        elements.every((part) => canConsistOf(part, repeated, flags)),
      );
    case 'Backreference':
      return [element.resolved].flat().some((group) => canConsistOf(group, repeated, flags));
    case 'Assertion':
      if (isStart(element, flags)) return false;
      // A lookaround must match the same characters. A negated one is assumed to match.
      return (
        !('alternatives' in element) ||
        element.negate ||
        element.alternatives.some(({ elements }) =>
          elements.every((part) => canConsistOf(part, repeated, flags)),
        )
      );
    default:
      return true;
  }
}
