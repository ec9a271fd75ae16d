import type { PromptSection } from './sections.js';

/** A secret as described to the model, without its value. */
export interface SecretName {
  name: string;
  description: string | null;
}

/** Lists the available secrets and how to use them. */
export function secretsSection(secrets: readonly SecretName[]): PromptSection {
  const list = secrets.map(({ name, description }) =>
    description === null ? `* **$${name}**` : `* **$${name}** - ${description}`,
  );
  return {
    tag: 'CUSTOM_SECRETS',
    text: `### Credential Access
* The secrets below are available to commands: name one in a command (for example \`curl -H "Authorization:
* Bearer $API_KEY" https://api.example.com\`) and it is set as an environment variable before the command
* runs. Case does not matter for finding the name. Values are hidden: wherever one would show, you read
* \`<secret-hidden>\`. Do not print secrets or write them into files; use them where they are needed. A value
* may be renewed at any time. If one is refused, name it again in a new command to get the current one, and
* put it in wherever the old one was kept, such as the URL of a git remote. If that does not help, tell the
* user.

These environment variables are available:

${list.join('\n\n')}
`,
  };
}
