import { visible } from './safe-text.js';

/** A text in which words between backticks are code, as in descriptions of the API document. */
export function WithCode({ text }: { text: string }) {
  return (
    <>
      {visible(text)
        .split('`')
        .map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}
    </>
  );
}
