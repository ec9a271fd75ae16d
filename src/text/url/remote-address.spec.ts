import fc from 'fast-check';
import { maskRemote, maskRemotes } from './remote-address.js';

const R = '%3Credacted%3E';

describe('maskRemote and maskRemotes', () => {
  // The first part is recorded from the original.
  it.each([
    ['https://h/o?access_token=SECRET', `https://h/o?access_token=${R}`],
    ['https://user:pw@h/o?x=1&token=abc&b=2#frag', `https://****@h/o?x=1&token=${R}&b=2#frag`],
    ['https://tok@h:8443/o.git', 'https://****@h:8443/o.git'],
    ['https://h/o?TOKEN=', `https://h/o?TOKEN=${R}`],
    ['https://h/o?token', `https://h/o?token=${R}`],
    ['https://h/o?apikey=1&MY_KEY=2&secretive=3', `https://h/o?apikey=${R}&MY_KEY=${R}&secretive=${R}`],
    ['file:///a/b?token=x', `file:///a/b?token=${R}`],
    ['/local/path?token=x', `/local/path?token=${R}`],
    ['ssh://git@h/o', 'ssh://git@h/o'],
    ['git@h:o', 'git@h:o'],
    ['https://h/o.git', 'https://h/o.git'],
    ['https://h/@scope/name@1', 'https://h/@scope/name@1'],
    ['../else@where', '../else@where'],
    ['', ''],
    // What the original shows.
    ['ssh://git:pw@h/o', 'ssh://****@h/o'],
    ['git+ssh://git:pw@h/o', 'git+ssh://****@h/o'],
    ['git:pw@h:o', '****@h:o'],
    ['ftp://u:pw@h/x', 'ftp://****@h/x'],
    ['http:user:pw@h/o', 'http:****@h/o'],
    ['https://user:p@ss@h/o', 'https://****@h/o'],
    ['https://user:pa/ss@h/o', 'https://****@h/o'],
    ['https://h/o?a=1;token=x', `https://h/o?a=1;token=${R}`],
    ['https://h/o#access_token=x', `https://h/o#access_token=${R}`],
    ['https://h/o?a%63cess_%74oken=x', `https://h/o?a%63cess_%74oken=${R}`],
    ['https://h/o?X-Amz-Signature=x&sig=y&pwd=z', `https://h/o?X-Amz-Signature=${R}&sig=${R}&pwd=${R}`],
  ])('masks %s', (address, shown) => {
    expect(maskRemote(address)).toBe(shown);
  });

  it('masks URLs in errors of git', () => {
    expect(
      maskRemotes("fatal: unable to access 'https://u:pw@h/o?token=x/': no\nremote: ssh://a:b@h/o"),
    ).toBe(`fatal: unable to access 'https://****@h/o?token=${R}': no\nremote: ssh://****@h/o`);
  });

  it('masks URLs without a scheme and changes nothing else', () => {
    expect(maskRemotes('unable to look up user:p@ss@127.0.0.1:1 (port 9418)')).toBe(
      'unable to look up ****@127.0.0.1:1 (port 9418)',
    );
    const other = "error: pathspec 'a@b' did not match: HEAD@{1}, a:b, 12:30, really? #1";
    expect(maskRemotes(other)).toBe(other);
  });

  it('never leaves a password or a token', () => {
    const word = fc.stringMatching(/^[a-zA-Z0-9._~!$*+-]{1,12}$/);
    const scheme = fc.constantFrom('https', 'http', 'ssh', 'ftp', 'git', 'git+ssh', 'HTTPS');
    const secret = word.map((text) => `5ecret${text}`);
    fc.assert(
      fc.property(scheme, word, secret, word, fc.boolean(), (of, user, hidden, host, asToken) => {
        const address = asToken
          ? `${of}://${host}/o?a=1&auth_token=${hidden}`
          : `${of}://${user}:${hidden}@${host}/o`;
        expect(maskRemote(address)).not.toContain('5ecret');
        expect(maskRemote(maskRemote(address))).toBe(maskRemote(address));
        expect(maskRemotes(`git said '${address}': no`)).not.toContain('5ecret');
      }),
    );
  });
});
