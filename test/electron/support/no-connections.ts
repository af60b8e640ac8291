// Loaded into Winnow's processes before all else: writes down, and refuses, every connection and every look-up of a name.
import { appendFileSync } from 'node:fs';
import dgram from 'node:dgram';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const file = process.env['WINNOW_TEST_CONNECTIONS'];

function refuse(what: string): never {
  if (file !== undefined) appendFileSync(file, `${what} by ${process.argv.slice(1, 4).join(' ')}\n`);
  throw Object.assign(new Error(`${what} is not allowed here`), { code: 'ENETUNREACH' });
}

net.Socket.prototype.connect = () => refuse('a connection');
dgram.Socket.prototype.send = () => refuse('a datagram');
Object.assign(dns, { lookup: () => refuse('a look-up') });
Object.assign(dns.promises, { lookup: () => refuse('a look-up') });
syncBuiltinESMExports();
