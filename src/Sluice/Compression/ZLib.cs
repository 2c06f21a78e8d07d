using System.Reflection;
using System.Runtime.InteropServices;

namespace Sluice.Compression;

/// <summary>
/// zlib, as the runtime brings it for its own <c>System.IO.Compression</c>: called directly, since the base class library
/// offers neither window bits nor raw DEFLATE without an end.
/// </summary>
internal static unsafe partial class ZLib
{
    public const int NoFlush = 0;
    public const int SyncFlush = 2;
    public const int FullFlush = 3;
    public const int StopAtBlock = 5;

    public const int Ok = 0;
    public const int StreamEnd = 1;
    public const int DataError = -3;
    public const int BufferError = -5;

    public const int Deflated = 8;
    public const int DefaultStrategy = 0;

    private const string Library = "libSystem.IO.Compression.Native";

    /// <summary>Whether the library is there and answers. A runtime may come without it.</summary>
    public static bool IsAvailable { get; } = Probe();

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateInit2_")]
    public static partial int DeflateInit(ZStream* stream, int level, int method, int windowBits, int memoryLevel, int strategy);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Deflate")]
    public static partial int Deflate(ZStream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateEnd")]
    public static partial int DeflateEnd(ZStream* stream);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateInit2_")]
    public static partial int InflateInit(ZStream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Inflate")]
    public static partial int Inflate(ZStream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateReset2_")]
    public static partial int InflateReset(ZStream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateEnd")]
    public static partial int InflateEnd(ZStream* stream);

    /// <summary>What went wrong when a stream could not be made: memory, or settings that this zlib does not take.</summary>
    public static InvalidOperationException Failure(string what, int result)
        => new($"zlib could not {what}: it answered {result}; -4 is a lack of memory, anything else a fault of this library");

    private static bool Probe()
    {
        try
        {
            // Unix and Windows call the same library differently; elsewhere the name is found as it stands.
            if (OperatingSystem.IsWindows()) NativeLibrary.SetDllImportResolver(typeof(ZLib).Assembly, ResolveOnWindows);
            var stream = default(ZStream);
            return InflateInit(&stream, -15) == Ok && InflateEnd(&stream) == Ok;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            return false;
        }
    }

    private static nint ResolveOnWindows(string name, Assembly assembly, DllImportSearchPath? path)
        => name == Library && NativeLibrary.TryLoad("System.IO.Compression.Native", assembly, path, out var handle) ? handle : 0;

    /// <summary>What one call takes and gives. zlib itself keeps only <see cref="State"/>, so this may live on a stack.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ZStream
    {
        public byte* Input;
        public byte* Output;
        public nint Message;
        public nint State;
        public uint InputLength;
        public uint OutputLength;
    }
}
