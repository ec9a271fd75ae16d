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
  /** Absolute path of the main file of the server. */
  program: string;
  /** Of another program: a socket in the file system, the name of an abstract one, shared memory. */
  socket: string;
  abstract: string;
  shared: string;
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

/** A line of Python. */
const python = (line: string): string => `python3 -c "${line}"`;

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
    title: 'read a key file by another name',
    script: ({ keyFile }) =>
      `ln ${keyFile} hard-$$; ln -s ${keyFile} soft-$$; cat hard-$$ soft-$$ /proc/self/root${keyFile} /proc/1/root${keyFile}; rm -f hard-$$ soft-$$`,
    out: 'k3y-in-a-file',
    stoppedBy: BOTH,
  },
  {
    title: 'remove a key file',
    script: ({ keyFile }) => `rm ${keyFile} && echo removed; mv ${keyFile} moved-$$ && echo removed`,
    out: 'removed',
    stoppedBy: BOTH,
  },
  {
    title: 'add a file to the settings',
    script: ({ persistence }) => `echo '{}' > ${persistence}/added.json`,
    leaves: ({ persistence }) => `${persistence}/added.json`,
    stoppedBy: BOTH,
  },
  {
    title: 'find the files of the server among open files',
    script: () => 'ls -l /proc/[0-9]*/fd',
    out: 'persistence',
    stoppedBy: BOTH,
  },
  {
    title: 'read the memory of the server',
    script: ({ pid }) => `head -c 1 /proc/${pid}/maps > /dev/null && echo mapped`,
    out: 'mapped',
    stoppedBy: BOTH,
  },
  {
    title: 'change the limits of the server',
    script: ({ pid }) => `prlimit --pid ${pid} --nofile && echo reached`,
    out: 'reached',
    stoppedBy: BOTH,
  },
  {
    title: 'enter the namespaces of the first process',
    script: ({ keyFile }) => `nsenter -t 1 -m -p cat ${keyFile}; nsenter -t 1 -U -m cat ${keyFile}`,
    out: 'k3y-in-a-file',
    stoppedBy: BOTH,
  },
  {
    title: 'leave its root folder by an open folder',
    script: ({ keyFile }) =>
      python(
        `import os; os.makedirs('c', exist_ok=True); d = os.open('.', 0); os.chroot('c'); os.fchdir(d); ` +
          `[os.chdir('..') for _ in range(64)]; os.chroot('.'); print(open('${keyFile}').read())`,
      ),
    out: 'k3y-in-a-file',
    stoppedBy: BOTH,
  },
  {
    title: 'find the machine where bubblewrap had it',
    script: ({ keyFile }) => `cat /oldroot${keyFile} /newroot${keyFile} /proc/1/cwd${keyFile}`,
    out: 'k3y-in-a-file',
    stoppedBy: BOTH,
  },
  {
    title: 'open files by their handles',
    // Without the right, even a handle of nothing is refused (open_by_handle_at(2)).
    script: () =>
      python(
        `import ctypes, os; c = ctypes.CDLL(None, use_errno=True); h = (ctypes.c_int * 8)(8, 1); ` +
          `c.open_by_handle_at(os.open('/', 0), h, 0); print('errno', ctypes.get_errno() != 1)`,
      ),
    out: 'errno True',
    stoppedBy: BOTH,
  },
  {
    title: 'mount a file system',
    script: () => 'mkdir -p m; mount -t tmpfs none m && echo mounted; mount --bind / m && echo mounted',
    out: 'mounted',
    stoppedBy: BOTH,
  },
  {
    title: 'gain rights by a program that sets its user',
    script: () => 'grep NoNewPrivs /proc/self/status | tr "\\t" " "',
    out: 'NoNewPrivs: 0',
    stoppedBy: BOTH,
  },
  {
    title: 'read the memory of the kernel',
    script: () => 'head -c 4 /proc/kcore | grep -aq ELF && echo opened; head -c 1 /dev/mem && echo opened',
    out: 'opened',
    stoppedBy: BOTH,
  },
  {
    title: 'capture packets, such as requests to the server',
    script: () => python(`import socket; socket.socket(17, 3, 768); print('cap' + 'tured')`),
    out: 'captured',
    stoppedBy: BOTH,
  },
  {
    title: 'leave its control group',
    script: () =>
      'for file in $(find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs -o -maxdepth 2 -name release_agent); do echo $$ > $file && echo moved; done 2> /dev/null',
    out: 'moved',
    stoppedBy: BOTH,
  },
  {
    title: 'change the name and the clock of the machine',
    script: () => 'hostname "$(hostname)" && echo changed; date -s "@$(date +%s)" && echo changed',
    out: 'changed',
    stoppedBy: BOTH,
  },
  {
    title: 'read a file outside of the workspace by a link',
    script: ({ outside }) => `ln -sfn ${outside} link; cat link/notes`,
    out: 'marker-of-notes',
    stoppedBy: STRICT,
  },
  {
    title: 'leave a program outside that sets its user',
    script: ({ outside }) => `cp /bin/true ${outside}/program && chmod u+s ${outside}/program`,
    leaves: ({ outside }) => `${outside}/program`,
    stoppedBy: STRICT,
  },
  {
    title: 'change the program of the server',
    script: ({ program }) => `test -w ${program} && echo writable`,
    out: 'writable',
    stoppedBy: STRICT,
  },
  {
    title: 'talk to a service by a socket in the file system, as of Docker',
    script: ({ socket }) =>
      python(`import socket; socket.socket(1).connect('${socket}'); print('con' + 'nected')`),
    out: 'connected',
    stoppedBy: STRICT,
  },
  {
    title: 'talk to a service by an abstract socket',
    script: ({ abstract }) =>
      // Versions of Node differ in whether zeros belong to the name.
      [`chr(0) + '${abstract}'`, `(chr(0) + '${abstract}').ljust(108, chr(0))`]
        .map((name) => python(`import socket; socket.socket(1).connect(${name}); print('con' + 'nected')`))
        .join('; '),
    out: 'connected',
    stoppedBy: STRICT,
  },
  {
    title: 'read what other programs share in memory',
    script: ({ shared }) => show(shared),
    out: 'marker-of-shared',
    stoppedBy: STRICT,
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
