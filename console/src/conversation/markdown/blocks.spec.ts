import fc from 'fast-check';
import { parseMarkdown, type Block } from './blocks.js';
import { isSafeUrl, type Inline } from './inline.js';

const text = (value: string): Inline => ({ type: 'text', text: value });

/** All texts and addresses, and the greatest depth. */
function survey(blocks: readonly Block[]): { texts: string; urls: string[]; depth: number } {
  const urls: string[] = [];
  let texts = '';
  let depth = 0;
  const inline = (parts: readonly Inline[], at: number): void => {
    depth = Math.max(depth, at);
    for (const part of parts) {
      if (part.type === 'text' || part.type === 'code') texts += part.text;
      else if (part.type !== 'break') {
        if (part.type === 'link') urls.push(part.url);
        inline(part.children, at + 1);
      }
    }
  };
  const walk = (list: readonly Block[], at: number): void => {
    depth = Math.max(depth, at);
    for (const block of list) {
      if (block.type === 'code') texts += block.text;
      else if (block.type === 'quote') walk(block.children, at + 1);
      else if (block.type === 'list') for (const item of block.items) walk(item.children, at + 1);
      else if (block.type === 'table') {
        for (const cell of [...block.header, ...block.rows.flat()]) inline(cell, at + 1);
      } else if (block.type !== 'rule') inline(block.children, at + 1);
    }
  };
  walk(blocks, 0);
  return { texts, urls, depth };
}

/** Texts of the characters that mean something, so that marks meet in all ways. */
const marked = fc.string({
  unit: fc.constantFrom(
    '*',
    '_',
    '~',
    '`',
    '[',
    ']',
    '(',
    ')',
    '<',
    '>',
    '!',
    '\\',
    '|',
    '-',
    '#',
    '1',
    '.',
    ' ',
    '\n',
    'a',
    'http://b.c',
    'javascript:d',
  ),
  maxLength: 300,
});

describe('Markdown of the console', () => {
  it('reads headings, lists, quotes, tables, code and rules', () => {
    expect(parseMarkdown('# A\n\n- b\n  1. c\n\n> d\n\n```js\ne\n```\n---\n|f|g|\n|-|-:|\n|1|2|')).toEqual([
      { type: 'heading', level: 1, children: [text('A')] },
      {
        type: 'list',
        start: null,
        items: [
          {
            checked: null,
            children: [
              { type: 'paragraph', children: [text('b')] },
              {
                type: 'list',
                start: 1,
                items: [{ checked: null, children: [{ type: 'paragraph', children: [text('c')] }] }],
              },
            ],
          },
        ],
      },
      { type: 'quote', children: [{ type: 'paragraph', children: [text('d')] }] },
      { type: 'code', language: 'js', text: 'e' },
      { type: 'rule' },
      {
        type: 'table',
        align: [null, 'right'],
        header: [[text('f')], [text('g')]],
        rows: [[[text('1')], [text('2')]]],
        omitted: 0,
      },
    ]);
  });

  it.each([
    ['**a** *b* ~~c~~ `d`', ['strong', 'text', 'emphasis', 'text', 'deleted', 'text', 'code']],
    ['snake_case_name', ['text']],
    ['**never closed', ['text']],
    ['[a](https://b.c) <https://d.e> https://f.g.', ['link', 'text', 'link', 'text', 'link', 'text']],
    ['![picture](https://evil.example/x.png)', ['link']],
    ['[a](javascript:alert(1))', ['text']],
    ['[a](data:text/html,x)', ['text']],
    ['<b>html</b>', ['text']],
    ['a  \nb', ['text', 'break', 'text']],
  ])('reads %j', (source, types) => {
    const [block] = parseMarkdown(source);
    expect(block?.type === 'paragraph' && block.children.map(({ type }) => type)).toEqual(types);
  });

  it('follows no link but those that are safe', () => {
    expect(['https://a.b', 'http://a.b', 'mailto:a@b.c'].every(isSafeUrl)).toBe(true);
    for (const url of [
      'javascript:alert(1)',
      'JaVaScRiPt:x',
      'data:a',
      '//a.b',
      '/a',
      'vbscript:a',
      'http://',
    ]) {
      expect(isSafeUrl(url)).toBe(false);
    }
  });

  it('keeps every word, nests within bounds, and links to safe addresses only', () => {
    fc.assert(
      fc.property(marked, (source) => {
        const { texts, urls, depth } = survey(parseMarkdown(source));
        expect(depth).toBeLessThan(40);
        expect(urls.every(isSafeUrl)).toBe(true);
        const letters = (value: string): number => value.replaceAll(/[^a]/g, '').length;
        const inUrls = urls.reduce((sum, url) => sum + letters(url), 0);
        // A word may be the title of a link or the language of a code block.
        expect(letters(texts)).toBeLessThanOrEqual(letters(source) + inUrls);
      }),
    );
  });

  it('takes time in proportion to the length', () => {
    const pieces = [
      '>',
      '> ',
      '- ',
      '*a ',
      '**a*b',
      '_a_b',
      '[',
      '[a](',
      '![',
      '`a``',
      '|a',
      '<',
      'a@',
      '~~a',
      '*_[`',
      '1. ',
      '\t- ',
      'a\n=\n',
      '```\n',
      '[a]: b\n',
      '|-|-|\n|a|b|\n',
    ];
    for (const piece of pieces) {
      const started = performance.now();
      parseMarkdown(piece.repeat(200_000 / piece.length));
      // Twenty times what is parsed at once; quadratic time would be minutes.
      expect(performance.now() - started).toBeLessThan(10_000);
    }
  });
});
