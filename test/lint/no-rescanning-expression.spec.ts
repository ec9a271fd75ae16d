import { rescanning } from '../../scripts/no-rescanning-expression.mjs';

const reports = ({ source, flags }: RegExp) => rescanning(source, flags).length > 0;

describe('the lint rule against regular expressions that rescan their text', () => {
  it.each([
    /<think>[^]*?<\/think>/g,
    /<x>(?:[^<]|<(?!\/x))*<\/x>/,
    /\{([^}]*)\}/g,
    /(?<=<a>).*b/,
    /^a.*b/m,
    /^.*foo.*bar$/,
    /^(.*?)(?:\/openai(\/.*)?)?(?<!\/)\/*$/,
    /input token count .*exceeds/,
    /\bsudo\s+(?:-\S+\s+)*rm\b/,
    /<(\w+)>[^]*?<\/\1>/,
  ])('reports %s', (expression) => {
    expect(reports(expression)).toBe(true);
  });

  it.each([
    /<a>[^<]*<\/a>/,
    /^a.*b/,
    /<think>[^]*?<\/think>/y,
    /\{\{\s*instance\s*\}\}/g,
    /^\s*[+-]?\d+(_\d+)*(\.0*)?\s*$/,
    /(?<=\w:\/\/)[^\s/@]+(?=@)/g,
    /a.{0,80}b/,
    /"(?:[^"\\]|\\.)*,/y,
    /[?#].*/s,
  ])('accepts %s', (expression) => {
    expect(reports(expression)).toBe(false);
  });
});
