using System.Runtime.InteropServices;

namespace Sluice.Transport.Epoll;

/// <summary>The system calls. One that fails returns the number of its error, negative, as the kernel itself does; those of which
/// nobody asks why return -1.</summary>
internal static unsafe partial class Libc
{
    public const int EpollAdd = 1;
    public const int EpollDelete = 2;
    public const uint EpollIn = 0x001;
    public const uint EpollOut = 0x004;
    public const uint EpollError = 0x008;
    public const uint EpollHangUp = 0x010;
    public const uint EpollReadHangUp = 0x2000;
    public const uint EpollEdge = 1u << 31;

    /// <summary>What tells that the end of the stream, or an error, is behind the bytes in the kernel.</summary>
    public const uint EpollEnd = EpollError | EpollHangUp | EpollReadHangUp;

    public const int SendNoSignal = 0x4000; // a write to a closed connection is an error, not a SIGPIPE
    public const int SendMore = 0x8000; // more follows: a segment that is not full waits for it
    public const int SocketNonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;
    public const int ShutdownBoth = 2;
    public const int SocketLevel = 1;
    public const int SocketError = 4;
    public const int SocketLinger = 13;
    public const int SocketReusePort = 15;

    private const string Library = "libc";
    private const int ThreadClock = 6; // CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED
    private const nuint BytesReadable = 0x541B; // FIONREAD

    // Loaded once: the runtime would look for the file at the first call of each function, and find none when the process has no
    // descriptors left, which is when closing one is needed most.
    private static readonly nint Handle = NativeLibrary.Load(Library, typeof(Libc).Assembly, searchPath: null);

    static Libc() => NativeLibrary.SetDllImportResolver(typeof(Libc).Assembly, static (name, _, _) => name == Library ? Handle : 0);

    public static int EpollCreate(int flags) => Told(CallEpollCreate(flags));

    public static int EpollControl(int epoll, int operation, int descriptor, void* @event) => Told(CallEpollControl(epoll, operation, descriptor, @event));

    public static int EpollWait(int epoll, void* events, int capacity, int timeout) => Told(CallEpollWait(epoll, events, capacity, timeout));

    public static int EventCreate(uint value, int flags) => Told(CallEventCreate(value, flags));

    public static int Accept(int listener, void* address, int* addressLength, int flags) => Told(CallAccept(listener, address, addressLength, flags));

    public static nint Receive(int socket, void* bytes, nuint length, int flags) => Told(CallReceive(socket, bytes, length, flags));

    public static nint Send(int socket, void* bytes, nuint length, int flags) => Told(CallSend(socket, bytes, length, flags));

    public static nint SendMessage(int socket, MessageHeader* message, int flags) => Told(CallSendMessage(socket, message, flags));

    [LibraryImport(Library, EntryPoint = "write")]
    public static partial nint Write(int descriptor, void* bytes, nuint length);

    [LibraryImport(Library, EntryPoint = "getsockname")]
    public static partial int GetLocalAddress(int socket, void* address, int* addressLength);

    [LibraryImport(Library, EntryPoint = "shutdown")]
    public static partial int Shutdown(int socket, int how);

    [LibraryImport(Library, EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport(Library, EntryPoint = "gettid")]
    public static partial int ThreadId();

    /// <summary>How much processor time a thread of this process has had, in nanoseconds; 0 when that can't be told.</summary>
    public static long ThreadTime(int threadId)
    {
        var time = stackalloc long[2]; // struct timespec
        // As pthread_getcpuclockid makes the clock's number of a thread's.
        return GetTime((~threadId << 3) | ThreadClock, time) == 0 ? (time[0] * 1_000_000_000) + time[1] : 0;
    }

    /// <summary>How many bytes wait in the kernel to be received.</summary>
    public static int CountReadable(int socket)
    {
        var count = 0;
        return Control(socket, BytesReadable, &count) == 0 ? count : 0;
    }

    /// <summary>The error that waits on a socket, 0 for none. Asking takes it away.</summary>
    public static int TakeError(int socket)
    {
        int error = 0, length = sizeof(int);
        var result = Told(GetOption(socket, SocketLevel, SocketError, &error, &length));
        return result == 0 ? error : -result;
    }

    /// <summary>Makes the close that follows a reset: what was not sent is thrown away.</summary>
    public static void ResetOnClose(int socket)
    {
        var linger = stackalloc int[2] { 1, 0 };
        _ = SetOption(socket, SocketLevel, SocketLinger, linger, 2 * sizeof(int));
    }

    // At once: what runs next may be another call.
    private static int Told(int result) => result >= 0 ? result : -Marshal.GetLastSystemError();

    private static nint Told(nint result) => result >= 0 ? result : -Marshal.GetLastSystemError();

    [LibraryImport(Library, EntryPoint = "epoll_create1")]
    private static partial int CallEpollCreate(int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl")]
    private static partial int CallEpollControl(int epoll, int operation, int descriptor, void* @event);

    [LibraryImport(Library, EntryPoint = "epoll_wait")]
    private static partial int CallEpollWait(int epoll, void* events, int capacity, int timeout);

    [LibraryImport(Library, EntryPoint = "eventfd")]
    private static partial int CallEventCreate(uint value, int flags);

    [LibraryImport(Library, EntryPoint = "accept4")]
    private static partial int CallAccept(int listener, void* address, int* addressLength, int flags);

    [LibraryImport(Library, EntryPoint = "recv")]
    private static partial nint CallReceive(int socket, void* bytes, nuint length, int flags);

    [LibraryImport(Library, EntryPoint = "send")]
    private static partial nint CallSend(int socket, void* bytes, nuint length, int flags);

    [LibraryImport(Library, EntryPoint = "sendmsg")]
    private static partial nint CallSendMessage(int socket, MessageHeader* message, int flags);

    [LibraryImport(Library, EntryPoint = "getsockopt")]
    private static partial int GetOption(int socket, int level, int name, void* value, int* length);

    [LibraryImport(Library, EntryPoint = "setsockopt")]
    private static partial int SetOption(int socket, int level, int name, void* value, int length);

    [LibraryImport(Library, EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, long* time);

    [LibraryImport(Library, EntryPoint = "ioctl")]
    private static partial int Control(int descriptor, nuint request, void* value);

    /// <summary>One piece of a gathered write (struct iovec).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Piece
    {
        public void* Address;
        public nuint Length;
    }

    /// <summary>struct msghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public Piece* Pieces;
        public nuint PieceCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }
}
