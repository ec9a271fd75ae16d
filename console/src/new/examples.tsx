import type { Draft } from './draft.js';
import { change } from './draft.js';

/** A script for the scripted model that shows a feature. */
interface Example {
  title: string;
  shows: string;
  message: string;
  tools: readonly string[];
  approval: Draft['approval'];
}

/** Each of them really runs (the browser tests start all). */
export const EXAMPLES: readonly Example[] = [
  {
    title: 'Run a command',
    shows: 'A command in the terminal and its output.',
    message: [
      'THINK: I look around before I begin.',
      'RUN: date; pwd; ls -la',
      'FINISH: This is the folder I work in.',
    ].join('\n'),
    tools: ['terminal'],
    approval: 'never',
  },
  {
    title: 'Edit a file',
    shows: 'A new file, a change and its difference.',
    message: [
      'SAY: I write a small program.',
      `TOOL: write_file ${JSON.stringify({
        file_path: 'hello.sh',
        content: '#!/bin/sh\nname=world\necho "Hello, $name."\n',
      })}`,
      `TOOL: edit ${JSON.stringify({
        file_path: 'hello.sh',
        old_string: 'name=world',
        new_string: 'name=${1:-everybody}',
      })}`,
      'RUN: sh hello.sh && sh hello.sh Ada',
      'FINISH: hello.sh greets whomever you name.',
    ].join('\n'),
    tools: ['terminal', 'write_file', 'edit'],
    approval: 'never',
  },
  {
    title: 'Ask for approval',
    shows: 'The agent waits until you approve or refuse.',
    message: [
      'SAY: I would like to delete the build folder.',
      'RUN: rm -rf build && echo "build is gone"',
      'FINISH: The build folder is gone.',
    ].join('\n'),
    tools: ['terminal'],
    approval: 'always',
  },
  {
    title: 'Work for a minute',
    shows: 'Steps as they happen. Pause it, write to it, stop it.',
    message: [
      ...['Collecting', 'Building', 'Testing'].flatMap((step, index) => [
        `THINK: Step ${index + 1} of 3.`,
        'WAIT: 4',
        `RUN: for i in 1 2 3 4 5 6 7 8; do echo "${step} part $i of 8"; sleep 1; done`,
      ]),
      'FINISH: All three steps are done.',
    ].join('\n'),
    tools: ['terminal'],
    approval: 'never',
  },
  {
    title: 'Fail on purpose',
    shows: 'A failed command, then a failed model call and what to do.',
    message: [
      'RUN: cat /no/such/file',
      'FAIL: 401 The API key is not valid.',
      'FINISH: This is never reached.',
    ].join('\n'),
    tools: ['terminal'],
    approval: 'never',
  },
];

/** Cards that fill the form with scripts which run. */
export function Examples({ onChosen }: { onChosen: () => void }) {
  return (
    <section class="new-examples" aria-labelledby="new-examples-title">
      <h2 id="new-examples-title">Examples to start with</h2>
      <p class="field-help">
        The scripted model needs no key. It understands no language: it carries out the lines of your message.{' '}
        <a href="../guides/docs/models.md#the-scripted-model" target="_blank" rel="noopener">
          What a script can do
        </a>
      </p>
      <ul>
        {EXAMPLES.map(({ title, shows, message, tools, approval }) => (
          <li key={title}>
            <button
              type="button"
              class="card new-example"
              onClick={() => {
                change({ message, tools, approval });
                onChosen();
              }}
            >
              <strong>{title}</strong>
              <span>{shows}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
