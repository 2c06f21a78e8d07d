using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Sluice.Transport.Epoll;

/// <summary>Addresses as the kernel writes them (struct sockaddr_in, sockaddr_in6, sockaddr_un).</summary>
internal static unsafe class PeerAddress
{
    /// <summary>The largest: sockaddr_un.</summary>
    public const int MaxLength = 110;

    private static readonly UnixDomainSocketEndPoint AnyUnix = new("any");

    private const int Unix = 1;
    private const int V4 = 2;
    private const int V6 = 10;

    public static EndPoint? Read(ReadOnlySpan<byte> address)
    {
        if (address.Length < 2) return null;
        switch (BitConverter.ToUInt16(address))
        {
            case V4 when address.Length >= 8:
                return new IPEndPoint(new IPAddress(address.Slice(4, 4)), BinaryPrimitives.ReadUInt16BigEndian(address[2..]));
            case V6 when address.Length >= 28:
                var scope = BitConverter.ToUInt32(address[24..]);
                return new IPEndPoint(new IPAddress(address.Slice(8, 16), scope), BinaryPrimitives.ReadUInt16BigEndian(address[2..]));
            case Unix:
                return ReadUnix(address);
            default:
                return null;
        }
    }

    public static EndPoint? LocalOf(int socket)
    {
        var bytes = stackalloc byte[MaxLength];
        var length = MaxLength;
        return Libc.GetLocalAddress(socket, bytes, &length) == 0
            ? Read(new ReadOnlySpan<byte>(bytes, Math.Min(length, MaxLength)))
            : null;
    }

    // An unnamed socket, as clients have, has no path, and the constructor takes none.
    private static EndPoint ReadUnix(ReadOnlySpan<byte> address)
    {
        var raw = new SocketAddress(AddressFamily.Unix, address.Length);
        address[2..].CopyTo(raw.Buffer.Span[2..]);
        return AnyUnix.Create(raw);
    }
}
