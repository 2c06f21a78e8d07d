using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Sluice.Transport.Epoll;

/// <summary>Linux error numbers, as on every processor that .NET runs on.</summary>
internal static class Errno
{
    public const int Interrupted = 4;
    public const int Again = 11;
    public const int OutOfMemory = 12;
    public const int TableFull = 23;
    public const int TooManyFiles = 24;
    public const int BrokenPipe = 32;
    public const int NoBuffers = 105;
    public const int ConnectionAborted = 103;
    public const int ConnectionReset = 104;
    public const int TimedOut = 110;
    public const int HostUnreachable = 113;

    /// <summary>Whether the machine or the process has nothing left to accept a connection with.</summary>
    public static bool IsExhaustion(int error) => error is TooManyFiles or TableFull or NoBuffers or OutOfMemory;

    public static SocketException ToException(int error) => new((int)(error switch
    {
        ConnectionReset => SocketError.ConnectionReset,
        BrokenPipe => SocketError.Shutdown,
        TimedOut => SocketError.TimedOut,
        ConnectionAborted => SocketError.ConnectionAborted,
        HostUnreachable => SocketError.HostUnreachable,
        TooManyFiles or TableFull => SocketError.TooManyOpenSockets,
        NoBuffers or OutOfMemory => SocketError.NoBufferSpaceAvailable,
        _ => SocketError.SocketError,
    }), Marshal.GetPInvokeErrorMessage(error));
}
