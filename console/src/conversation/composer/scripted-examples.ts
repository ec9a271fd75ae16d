/** Lines that the scripted model plays. */
export const SCRIPT_LINES = [
  { line: 'RUN: ls -la', meaning: 'Calls the terminal' },
  {
    line: 'SAY: I look around first.',
    meaning: 'Adds text to the call on the next line; alone it answers and ends the run',
  },
  { line: 'THINK: The folder may be empty.', meaning: 'Adds reasoning to the same step' },
  { line: 'AND RUN: date', meaning: 'Adds a call to the same answer' },
  {
    line: 'TOOL: task_tracker {"command":"plan","task_list":[{"title":"Look around","status":"todo","notes":""}]}',
    meaning: 'Calls any tool with these arguments',
  },
  { line: 'WAIT: 5', meaning: 'Delays the next step by seconds' },
  { line: 'FAIL: 500 Overloaded', meaning: 'Makes the next attempt of the model fail' },
  { line: 'FINISH: Done.', meaning: 'Ends the run' },
] as const;

/** Whole messages to try. */
export const SCRIPT_EXAMPLES = [
  {
    name: 'Run a command',
    text: 'RUN: uname -a; date\nFINISH: That is this machine.',
  },
  {
    name: 'Think, write a file, finish',
    text: [
      'THINK: A note is enough.',
      'SAY: I write a note.',
      'RUN: printf "hello\\n" > note.txt; cat note.txt',
      'FINISH: The note says hello.',
    ].join('\n'),
  },
  {
    name: 'Work for half a minute',
    text: 'RUN: for i in $(seq 1 30); do echo "step $i"; sleep 1; done\nFINISH: All thirty steps are done.',
  },
] as const;
