using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Sluice.AspNetCore;

/// <summary>Counts open connections, in all and by address. Thread-safe; the lock is held for a look-up.</summary>
internal sealed class ConnectionCount
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Origin, int> _byOrigin = [];
    private int _total;

    public enum Answer
    {
        Entered,
        TooMany,
        TooManyFromAddress,
    }

    /// <summary>Counts one more, where the limits allow it; each is to be taken back with <see cref="Leave"/>.</summary>
    /// <param name="address">Where it comes from; <see langword="null"/> when there is no address, as with a Unix socket: then
    /// it counts in all only.</param>
    /// <param name="limits">What the connection's endpoint allows.</param>
    public Answer TryEnter(IPAddress? address, ConnectionLimits limits)
    {
        lock (_gate)
        {
            if (_total >= limits.MaxConnections) return Answer.TooMany;
            if (address is not null)
            {
                var origin = Origin.Of(address);
                var before = _byOrigin.GetValueOrDefault(origin);
                if (before >= limits.MaxConnectionsPerAddress) return Answer.TooManyFromAddress;
                _byOrigin[origin] = before + 1;
            }
            _total++;
            return Answer.Entered;
        }
    }

    public void Leave(IPAddress? address)
    {
        lock (_gate)
        {
            _total--;
            if (address is null) return;
            var origin = Origin.Of(address);
            var left = _byOrigin[origin] - 1;
            if (left == 0) _byOrigin.Remove(origin);
            else _byOrigin[origin] = left;
        }
    }

    // Whoever has one IPv6 address has the network of 64 bits around it. An IPv4 address in IPv6's clothes is an IPv4 address.
    private readonly record struct Origin(bool IsV6, ulong Network)
    {
        public static Origin Of(IPAddress address)
        {
            var shown = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
            Span<byte> bytes = stackalloc byte[16];
            shown.TryWriteBytes(bytes, out _);
            return shown.AddressFamily == AddressFamily.InterNetworkV6
                ? new Origin(true, BinaryPrimitives.ReadUInt64BigEndian(bytes))
                : new Origin(false, BinaryPrimitives.ReadUInt32BigEndian(bytes));
        }
    }
}
