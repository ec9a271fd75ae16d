/** The name of an operation as people read it: `Conversations_create` is `Conversations: create`. */
export function operationText(operation: string): string {
  const [group = '', ...rest] = operation.split('_');
  if (rest.length === 0) return operation;
  return `${words(group)}: ${words(rest.join('_')).toLowerCase()}`;
}

function words(name: string): string {
  const spaced = name.replace(/([a-z\d])([A-Z])/g, '$1 $2').replaceAll('_', ' ');
  return spaced.charAt(0) + spaced.slice(1).replace(/ [A-Z](?=[a-z])/g, (letter) => letter.toLowerCase());
}
