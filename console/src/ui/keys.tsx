/** Keys as they are printed on a keyboard. */
export function Keys({ keys }: { keys: string }) {
  const isMac = navigator.userAgent.includes('Mac');
  return (
    <span class="keys-of">
      {keys.split(' ').map((key, index) => (
        <span key={key}>
          {index > 0 && <span class="keys-then"> then </span>}
          {key.split('+').map((part) => (
            <kbd key={part}>{PRINTED[part]?.[isMac ? 1 : 0] ?? part.toUpperCase()}</kbd>
          ))}
        </span>
      ))}
    </span>
  );
}

/** By our name: on other systems, and on macOS. */
const PRINTED: Readonly<Record<string, readonly [string, string]>> = {
  mod: ['Ctrl', '⌘'],
  enter: ['Enter', '↵'],
  shift: ['Shift', '⇧'],
  alt: ['Alt', '⌥'],
  escape: ['Esc', 'Esc'],
  up: ['↑', '↑'],
  down: ['↓', '↓'],
  left: ['←', '←'],
  right: ['→', '→'],
};
