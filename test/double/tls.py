"""TLS by hand over an asyncio connection: the server name is read first, so that it decides about certificates or a refusal."""
import asyncio
import ssl
import struct


class Closed(Exception):
    """The other side has closed the connection, or does not speak TLS."""


def server_name(record):
    """The host name of a ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3); "" if it has none."""
    try:
        at = 5 + 4 + 2 + 32
        at += 1 + record[at]
        at += 2 + struct.unpack_from(">H", record, at)[0]
        at += 1 + record[at]
        end = at + 2 + struct.unpack_from(">H", record, at)[0]
        at += 2
        while at + 4 <= end:
            kind, size = struct.unpack_from(">HH", record, at)
            if kind == 0:
                length = struct.unpack_from(">H", record, at + 7)[0]
                return record[at + 9:at + 9 + length].decode("ascii")
            at += 4 + size
    except (IndexError, struct.error, UnicodeDecodeError):
        pass
    return ""


class TlsConnection:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = None

    async def hello(self):
        """Reads the first record; the name that the client asks for."""
        try:
            header = await self.reader.readexactly(5)
            if header[0] != 22:
                raise Closed("no TLS")
            record = header + await self.reader.readexactly(struct.unpack_from(">H", header, 3)[0])
        except (asyncio.IncompleteReadError, OSError) as problem:
            raise Closed(str(problem)) from problem
        self.incoming.write(record)
        return server_name(record)

    async def handshake(self, context):
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        await self.drive(self.tls.do_handshake)

    async def drive(self, action, *args):
        while True:
            try:
                result = action(*args)
                await self.flush()
                return result
            except ssl.SSLWantReadError:
                await self.flush()
                data = await self.receive()
                if not data:
                    raise Closed("end of stream") from None
                self.incoming.write(data)
            except ssl.SSLError as problem:
                await self.flush()
                raise Closed(str(problem)) from problem

    async def receive(self):
        try:
            return await self.reader.read(65536)
        except OSError as problem:
            raise Closed(str(problem)) from problem

    async def flush(self):
        data = self.outgoing.read()
        if data:
            try:
                self.writer.write(data)
                await self.writer.drain()
            except OSError as problem:
                raise Closed(str(problem)) from problem

    async def readexactly(self, count):
        out = bytearray()
        while len(out) < count:
            part = await self.drive(self.tls.read, min(count - len(out), 65536))
            if not part:
                raise Closed("end of stream")
            out += part
        return bytes(out)

    async def write(self, data):
        await self.drive(self.tls.write, data)

    async def goodbye(self):
        """Tells the other side that nothing more comes, without waiting for its answer."""
        if self.tls:
            try:
                self.tls.unwrap()
            except ssl.SSLError:
                pass
            await self.flush()

    def user(self):
        """The common name of the client's certificate, or None."""
        subject = (self.tls.getpeercert() or {}).get("subject", ())
        return next((value for part in subject for name, value in part if name == "commonName"), None)
