namespace Sluice.Transport.Epoll;

/// <summary>What the kernel still had for a reader when a socket was closed.</summary>
internal sealed class SavedBytes
{
    private readonly byte[] _bytes;
    private int _start;

    private SavedBytes(byte[] bytes) => _bytes = bytes;

    /// <summary>Receives all that is there now.</summary>
    /// <param name="descriptor">A socket whose peer has ended: nothing more comes.</param>
    /// <param name="error">The number of the error that came in place of it, or 0.</param>
    public static unsafe SavedBytes? Receive(int descriptor, out int error)
    {
        error = 0;
        var bytes = new byte[Libc.CountReadable(descriptor)];
        var length = 0;
        fixed (byte* address = bytes)
        {
            while (length < bytes.Length)
            {
                var count = Libc.Receive(descriptor, address + length, (nuint)(bytes.Length - length), 0);
                if (count == -Errno.Interrupted) continue;
                if (count < 0) error = (int)-count;
                if (count <= 0) return null;
                length += (int)count;
            }
        }
        return new SavedBytes(bytes);
    }

    /// <summary>Hands out the next of them.</summary>
    /// <returns>How many; 0 when there are none left.</returns>
    public int MoveTo(Span<byte> target)
    {
        var part = _bytes.AsSpan(_start, Math.Min(target.Length, _bytes.Length - _start));
        part.CopyTo(target);
        _start += part.Length;
        return part.Length;
    }
}
