/** Where the things are that an agent looks for. */
export interface Targets {
  /** Of the server. */
  pid: number;
  port: string;
  cwd: string;
  /** Its folder of settings (absolute path). */
  persistence: string;
  /** Absolute path of a folder beside the workspace. */
  outside: string;
  /** Absolute path of a file with a key. */
  keyFile: string;
  /** Absolute paths of the folders of two conversations. */
  own: string;
  other: string;
}

/** Something that an agent tries with a program. */
export interface WayOut {
  title: string;
  /** A script of bash whose output shows whether it was successful. */
  script: (targets: Targets) => string;
  /** The script got out if its output contains this ... */
  out?: string;
  /** ... or if this file is there afterwards. */
  leaves?: (targets: Targets) => string;
  /** The modes that stop it, as docs/isolation.md says. */
  stoppedBy: readonly ('guarded' | 'workspace')[];
  /** Only a machine with a route to other networks shows that it is possible. */
  needsRoute?: boolean;
}

const BOTH = ['guarded', 'workspace'] as const;
const STRICT = ['workspace'] as const;

/** Reads a file with a marker in it that only the server wrote. */
const show = (file: string): string => `cat '${file}'`;

/** What agents may try; each is a test in each mode. */
export const WAYS_OUT: readonly WayOut[] = [
  { title: 'read a key file', script: ({ keyFile }) => show(keyFile), out: 'k3y-in-a-file', stoppedBy: BOTH },
  {
    title: 'find the key in the environment of any process',
    script: () => 'cat /proc/[0-9]*/environ | tr "\\0" "\\n" | grep -a SESSION_API_KEY_FILE',
    out: 'SESSION_API_KEY_FILE=',
    stoppedBy: BOTH,
  },
  {
    title: 'look into /proc of the server',
    script: ({ pid }) => `tr "\\0" " " < /proc/${pid}/cmdline; ls /proc/${pid}/fd`,
    out: 'main.js',
    stoppedBy: BOTH,
  },
  {
    title: 'read the log of another conversation',
    script: ({ other }) => `cat ${other}/events.jsonl ${other}/*.json`,
    out: 'marker-of-another',
    stoppedBy: BOTH,
  },
  {
    title: 'read the log of its own conversation',
    script: ({ own }) => `cat ${own}/metadata.json ${own}/events.jsonl`,
    out: '"kind"',
    stoppedBy: BOTH,
  },
  {
    title: 'read stored settings',
    script: ({ persistence }) => `cat ${persistence}/*.json; ls ${persistence}`,
    out: 'marker-of-settings',
    stoppedBy: BOTH,
  },
  {
    title: 'trace the server',
    script: ({ pid }) =>
      `python3 -c "import ctypes; print('traced', ctypes.CDLL(None).ptrace(16, ${pid}, 0, 0))"`,
    out: 'traced 0',
    stoppedBy: BOTH,
  },
  {
    title: 'send a signal to the server',
    script: ({ pid }) => `kill -0 ${pid} && echo reached`,
    out: 'reached',
    stoppedBy: BOTH,
  },
  {
    title: 'unmount what hides the settings',
    script: ({ persistence }) =>
      `umount ${persistence}; umount -l ${persistence}; ${show(`${persistence}/settings.json`)}`,
    out: 'marker-of-settings',
    stoppedBy: BOTH,
  },
  {
    title: 'unmount it in a user namespace of its own',
    script: ({ persistence }) =>
      `unshare -Urm sh -c "umount -l ${persistence}; mkdir -p /tmp/m-$$; mount --bind / /tmp/m-$$; ` +
      `cat ${persistence}/settings.json /tmp/m-$$${persistence}/settings.json"; rmdir /tmp/m-*`,
    out: 'marker-of-settings',
    stoppedBy: BOTH,
  },
  {
    title: 'move the folder above the settings away',
    script: ({ cwd, persistence }) =>
      `mv ${cwd} ${cwd}-moved; cat ${cwd}-moved/persistence/settings.json; ` +
      `mv ${persistence} /tmp/p-$$; cat /tmp/p-$$/settings.json; rm -rf /tmp/p-$$`,
    out: 'marker-of-settings',
    stoppedBy: BOTH,
  },
  {
    title: 'make a device for a disk',
    script: () =>
      'mknod disk-$$ b 254 0 && head -c 1 disk-$$ > /dev/null && echo opened; ls /dev/vda /dev/sda /dev/mem 2> /dev/null',
    out: 'opened',
    stoppedBy: BOTH,
  },
  {
    title: 'change the kernel',
    script: () => 'cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern && echo changed',
    out: 'changed',
    stoppedBy: BOTH,
  },
  {
    title: 'write a file outside of the workspace',
    script: ({ outside }) => `mkdir -p ${outside}; echo x > ${outside}/.profile`,
    leaves: ({ outside }) => `${outside}/.profile`,
    stoppedBy: STRICT,
  },
  {
    title: 'write a hook of a git repository outside',
    script: ({ outside }) => `mkdir -p ${outside}/.git/hooks; echo x > ${outside}/.git/hooks/pre-commit`,
    leaves: ({ outside }) => `${outside}/.git/hooks/pre-commit`,
    stoppedBy: STRICT,
  },
  {
    title: 'read a file outside of the workspace',
    script: ({ outside }) => show(`${outside}/notes`),
    out: 'marker-of-notes',
    stoppedBy: STRICT,
  },
  {
    title: 'write into a folder of the system',
    script: () => 'touch /etc/way-out-$$ && rm /etc/way-out-$$ && echo written',
    out: 'written',
    stoppedBy: process.getuid?.() === 0 ? STRICT : BOTH,
  },
  {
    title: 'call the server through the loopback interface',
    script: ({ port }) => `exec 3<> /dev/tcp/127.0.0.1/${port} && echo connected`,
    out: 'connected',
    stoppedBy: STRICT,
  },
  {
    title: 'ask a name server',
    script: () =>
      "python3 -c \"import socket; s = socket.socket(2, 2); s.connect(('192.0.2.53', 53)); s.send(b'x'); print('se' + 'nt')\"",
    out: 'sent',
    needsRoute: true,
    stoppedBy: STRICT,
  },
  {
    title: 'reach the metadata address of a cloud',
    script: () =>
      "python3 -c \"import socket; s = socket.socket(2, 2); s.connect(('169.254.169.254', 80)); print('rou' + 'ted')\"",
    out: 'routed',
    needsRoute: true,
    stoppedBy: STRICT,
  },
];
