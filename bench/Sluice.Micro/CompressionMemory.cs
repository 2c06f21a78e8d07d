using System.IO.Pipelines;
using Sluice.Compression;
using Sluice.Protocol;

namespace Sluice.Micro;

/// <summary>
/// What a connection takes for compression: the growth of the process's resident memory over that of as many connections
/// without it, after each has received and sent the same messages.
/// </summary>
internal static class CompressionMemory
{
    private const int Connections = 300;

    // Enough for the windows to be touched as a whole: memory that zlib has never used is not resident.
    private const int Messages = 80;

    public static void Print()
    {
        Measure(null); // what the runtime takes once
        var plain = Measure(null);
        Console.WriteLine("| context takeover | window | memory level | KiB for each connection |");
        Console.WriteLine("|---|---|---|---|");
        foreach (var (bits, level) in new[] { (15, 8), (15, 5), (13, 5), (12, 5), (9, 5), (9, 1) })
        {
            Row("both ways", bits, level, new());
        }
        Row("only what is received", 13, 5, new() { ServerNoContextTakeover = true });
        Row("only what is sent", 13, 5, new() { ClientNoContextTakeover = true });
        Row("none", 13, 5, new() { ServerNoContextTakeover = true, ClientNoContextTakeover = true });

        void Row(string takeover, int bits, int level, DeflateAgreement agreement)
        {
            var used = Measure(agreement with { Options = new() { WindowBits = bits, MemoryLevel = level, Threshold = 0 } });
            Console.WriteLine($"| {takeover} | {bits} bits | {level} | {(used - plain) / 1024.0 / Connections:F0} |");
        }
    }

    private static long Measure(DeflateAgreement? agreement) => MeasureAsync(agreement).GetAwaiter().GetResult();

    private static async Task<long> MeasureAsync(DeflateAgreement? agreement)
    {
        var before = Resident();
        var random = new Random(1);
        var message = new byte[1024];
        var connections = new List<WebSocketConnection>();
        using var peer = new Deflater(new(15, 6, 8));
        for (var i = 0; i < Connections; i++)
        {
            var there = new Pipe();
            var back = new Pipe();
            var connection = new WebSocketConnection(new Duplex(there.Reader, back.Writer), Role.Server, compression: agreement);
            for (var sent = 0; sent < Messages; sent++)
            {
                random.NextBytes(message.AsSpan(0, 700));
                Write(there.Writer, agreement is null ? null : peer, message);
                await there.Writer.FlushAsync().ConfigureAwait(false);
                using (var received = await connection.ReceiveAsync().ConfigureAwait(false)) await connection.SendAsync(received).ConfigureAwait(false);
                back.Reader.AdvanceTo((await back.Reader.ReadAsync().ConfigureAwait(false)).Buffer.End);
            }
            connections.Add(connection);
        }
        var after = Resident();
        foreach (var connection in connections) connection.Abort();
        foreach (var connection in connections) await connection.Released.ConfigureAwait(false);
        return after - before;
    }

    // As a client sends it, that refers to no earlier message.
    private static void Write(PipeWriter output, Deflater? deflater, ReadOnlySpan<byte> message)
    {
        if (deflater is null)
        {
            FrameWriter.Write(output, Opcode.Binary, message, maskingKey: 1);
            return;
        }
        Span<byte> deflated = stackalloc byte[2048];
        deflater.Deflate(ref message, deflated, forget: true, out var length);
        FrameWriter.Write(output, Opcode.Binary, deflated[..(length - 4)], maskingKey: 1, reserved: ReservedBits.Rsv1);
    }

    private static long Resident()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
