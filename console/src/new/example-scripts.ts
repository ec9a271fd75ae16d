import type { Draft } from './draft-fields.js';

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
    title: 'Plan the work',
    shows: 'A list of tasks that is worked through.',
    message: [
      ...[
        ['in_progress', 'todo'],
        ['done', 'in_progress'],
        ['done', 'done'],
      ].flatMap(([first, second]) => [
        `TOOL: task_tracker ${JSON.stringify({
          command: 'plan',
          task_list: [
            { title: 'Count the files', status: first, notes: '' },
            { title: 'Measure their size', status: second, notes: '' },
          ],
        })}`,
        first === 'done' ? 'RUN: du -sh .' : 'RUN: find . -type f | wc -l',
      ]),
      'FINISH: Both tasks are done.',
    ].join('\n'),
    tools: ['terminal', 'task_tracker'],
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
