/** Paths in a square of 16, drawn with a line of 1.5. */
const PATHS = {
  list: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  plus: 'M8 3v10M3 8h10',
  clock: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.5V8l2.5 1.5',
  server: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01',
  settings: 'M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6M10 3v3M6 10v3',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5l3 3',
  close: 'M4 4l8 8M12 4l-8 8',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3l8 5-8 5z',
  stop: 'M4 4h8v8H4z',
  trash: 'M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.5 8.5h6l.5-8.5',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  fork: 'M4.5 3v4a2 2 0 0 0 2 2h3a2 2 0 0 0 2-2V3M8 9v4',
  download: 'M8 2.5v7M5 7l3 3 3-3M3 13h10',
  attach: 'M11.5 6.5L7 11a2 2 0 0 1-3-3l5-5a1.5 1.5 0 0 1 2.2 2.2L6.8 9.6',
  send: 'M8 13V3M4 7l4-4 4 4',
  sun: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7',
  contrast: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 2v12M8 5h4.8M8 8h6M8 11h4.8',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z',
  key: 'M10 9a3 3 0 1 0-2.8-2L3 11.2V13h2v-1.5h1.5V10L7.5 9M10.5 5.5h.01',
  panel: 'M2.5 3h11v10h-11zM9.5 3v10',
  external: 'M6 3.5H3v9.5h9.5v-3M9 2.5h4.5V7M13.5 2.5L7.5 8.5',
  file: 'M4 2.5h5l3 3v8H4zM9 2.5v3h3',
  edit: 'M3 13l.6-2.6 7.2-7.2a1.1 1.1 0 0 1 1.6 0l.4.4a1.1 1.1 0 0 1 0 1.6l-7.2 7.2z',
  terminal: 'M3 5l3 3-3 3M8 11.5h5',
  think: 'M6 12.5h4M6.5 14.5h3M5.8 10.5a4 4 0 1 1 4.4 0v.5H5.8z',
  globe:
    'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM2.5 8h11M8 2.5c4 3.5 4 7.5 0 11M8 2.5c-4 3.5-4 7.5 0 11',
  tool: 'M9.8 4.2a3 3 0 0 1 3.7-1.4l-1.8 1.8.2 1.5 1.5.2 1.8-1.8a3 3 0 0 1-4 3.7l-5 5a1.2 1.2 0 0 1-1.8-1.8l5-5a3 3 0 0 1 .4-2.2z',
  undo: 'M6 3.5L3 6.5l3 3M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6',
  copy: 'M5.5 5.5h7v8h-7zM3.5 10.5v-8h7',
  link: 'M6.8 9.2a2.3 2.3 0 0 0 3.3 0l2-2a2.3 2.3 0 0 0-3.3-3.3l-.8.8M9.2 6.8a2.3 2.3 0 0 0-3.3 0l-2 2a2.3 2.3 0 0 0 3.3 3.3l.8-.8',
  code: 'M5.5 4.5L2 8l3.5 3.5M10.5 4.5L14 8l-3.5 3.5',
  alert: 'M8 2.5l6 11H2zM8 6.5v3.2M8 11.6h.01',
} as const;

/** The name of an icon. */
export type IconName = keyof typeof PATHS;

/** A picture beside a text or in a button with an `aria-label`; screen readers skip it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
