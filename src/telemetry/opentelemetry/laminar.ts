const ASSOCIATION = 'lmnr.association.properties.';
const NAMES: Readonly<Record<string, string>> = {
  'session.id': `${ASSOCIATION}session_id`,
  'user.id': `${ASSOCIATION}user_id`,
  'openhands.observability.tags': `${ASSOCIATION}tags`,
};
const METADATA = 'openhands.observability.metadata.';

/** The name that Laminar groups by, for attributes that have one there. */
export function laminarName(name: string): string | undefined {
  if (name.startsWith(METADATA)) return `${ASSOCIATION}metadata.${name.slice(METADATA.length)}`;
  return NAMES[name];
}
