using System.Globalization;

namespace Sluice.Transport.Epoll;

/// <summary>What the kernel says about a thread of this process (proc(5), /proc/pid/task/tid/stat).</summary>
internal static class ThreadState
{
    /// <summary>Whether it waits for something, rather than runs or is ready to.</summary>
    public static bool IsWaiting(int threadId)
    {
        try
        {
            using var file = File.OpenHandle(string.Create(CultureInfo.InvariantCulture, $"/proc/self/task/{threadId}/stat"));
            Span<byte> line = stackalloc byte[128];
            line = line[..RandomAccess.Read(file, line, fileOffset: 0)];
            var state = line.LastIndexOf(") "u8) + 2;
            return state < 2 || state >= line.Length || line[state] != (byte)'R';
        }
        catch (IOException)
        {
            return true; // what cannot be seen is not given more time
        }
    }
}
