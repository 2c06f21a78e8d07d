using System.IO.Pipelines;
using System.Net.WebSockets;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Compression;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Grammar;
using Sluice.Fuzz.Reference;
using Sluice.Protocol;

namespace Sluice.Fuzz.Targets;

/// <summary>
/// The same bytes to Sluice and to .NET's own WebSocket, in both roles: the same messages and then the same close, or
/// both refuse. What .NET is known to see otherwise has a rule of its own in <see cref="DotNetDifferences"/>.
/// </summary>
internal sealed class Differential : Target
{
    public override string Name => "differential";

    public override Gen<byte[]> Inputs
        => from flags in Bytes.Any
           from chunks in Bytes.Chunks
           from buffer in Bytes.Any
           from stream in Frames.Stream((flags & 1) == 0)
           select (byte[])[flags, .. chunks, buffer, .. stream];

    public override void Run(byte[] input, Trace trace)
    {
        var reader = new InputReader(input);
        var isServer = (reader.Byte() & 1) == 0;
        var sizes = reader.Chunks();
        var bufferSize = 1 + reader.Byte();
        var stream = reader.Rest();
        var shortened = DotNetDifferences.ShortenLengths(stream);

        var ours = Guard.ResultOf(OfSluiceAsync(Cut(shortened, sizes), isServer), "Sluice comes to an end");
        var theirs = Guard.ResultOf(OfDotNetAsync(Cut(stream, sizes), isServer, bufferSize), ".NET comes to an end");
        trace.Note((int)ours.End, ours.Code);
        trace.Note((int)theirs.End, theirs.Messages.Count);
        if (ours.IsSameAs(theirs) || new DotNetDifferences(shortened, isServer, bufferSize).Explain(ours, theirs) is not null) return;
        throw new FuzzFailure("Sluice and .NET see the same", $"{ours} here, {theirs} there");
    }

    internal static List<byte[]> Cut(byte[] stream, Chunks sizes)
    {
        var pieces = new List<byte[]>();
        for (var at = 0; at < stream.Length; at += pieces[^1].Length) pieces.Add(stream[at..(at + sizes.Next(stream.Length - at))]);
        return pieces;
    }

    internal static async Task<Received> OfSluiceAsync(
        List<byte[]> pieces, bool isServer, long maxMessage = int.MaxValue, DeflateAgreement? compression = null)
    {
        var there = new Pipe(new PipeOptions(
            readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: 0, useSynchronizationContext: false));
        var connection = new WebSocketConnection(
            new MemoryTransport(there.Reader, PipeWriter.Create(Stream.Null)), isServer ? Role.Server : Role.Client,
            new ConnectionOptions { MaxMessageSize = Math.Min(maxMessage, Array.MaxLength), TimeProvider = StoppedClock.Instance, RunInline = true },
            compression: compression);
        var messages = new List<ReferenceMessage>();
        var feeding = FeedAsync(there.Writer, pieces);
        while (true)
        {
            using var message = await connection.ReceiveAsync().ConfigureAwait(false);
            if (message.IsClose) break;
            messages.Add(new(message.IsText, message.Payload.ToArray()));
        }
        await feeding.ConfigureAwait(false);
        var result = await connection.Released.ConfigureAwait(false);
        if (result.WasClean) return new(messages, ReferenceEnd.Closed, (int)result.Code, result.Reason);
        return new(messages, result.Code == CloseCode.AbnormalClosure ? ReferenceEnd.Vanished : ReferenceEnd.Failed, (int)result.Code, "");
    }

    private static async Task FeedAsync(PipeWriter writer, List<byte[]> pieces)
    {
        foreach (var piece in pieces) await writer.WriteAsync(piece).ConfigureAwait(false);
        await writer.CompleteAsync().ConfigureAwait(false);
    }

    internal static async Task<Received> OfDotNetAsync(
        List<byte[]> pieces, bool isServer, int bufferSize, WebSocketDeflateOptions? compression = null)
    {
        using var stream = new PieceStream(pieces);
        using var socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions
        {
            IsServer = isServer,
            KeepAliveInterval = Timeout.InfiniteTimeSpan,
            DangerousDeflateOptions = compression,
        });
        var messages = new List<ReferenceMessage>();
        var message = new List<byte>();
        var buffer = new byte[bufferSize];
        try
        {
            while (true)
            {
                var result = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).ConfigureAwait(false);
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    var code = (int)(socket.CloseStatus ?? WebSocketCloseStatus.Empty);
                    return new(messages, ReferenceEnd.Closed, code, socket.CloseStatusDescription ?? "");
                }
                message.AddRange(buffer.AsSpan(0, result.Count));
                if (!result.EndOfMessage) continue;
                messages.Add(new(result.MessageType == WebSocketMessageType.Text, [.. message]));
                message.Clear();
            }
        }
        catch (WebSocketException e)
        {
            var vanished = e.WebSocketErrorCode == WebSocketError.ConnectionClosedPrematurely;
            return new(messages, vanished ? ReferenceEnd.Vanished : ReferenceEnd.Failed, 0, e.Message);
        }
    }

    /// <summary>What a receiver made of the bytes.</summary>
    internal sealed record Received(List<ReferenceMessage> Messages, ReferenceEnd End, int Code, string Reason)
    {
        public bool HasSameMessagesAs(Received other) => Messages.Count == other.Messages.Count
            && Messages.Zip(other.Messages).All(pair => pair.First.IsText == pair.Second.IsText && pair.First.Payload.AsSpan().SequenceEqual(pair.Second.Payload));

        public bool IsSameAs(Received other) => HasSameMessagesAs(other) && End == other.End
            && (End != ReferenceEnd.Closed || (Code == other.Code && Reason == other.Reason));

        public override string ToString() => $"{Messages.Count} messages, {End} {Code} {Reason}";
    }

    /// <summary>Gives the pieces one by one, and takes whatever is written.</summary>
    private sealed class PieceStream(List<byte[]> pieces) : Stream
    {
        private int _piece;
        private int _offset;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_piece == pieces.Count || buffer.Length == 0) return new(0);
            var rest = pieces[_piece].AsSpan(_offset);
            var count = Math.Min(rest.Length, buffer.Length);
            rest[..count].CopyTo(buffer.Span);
            _offset += count;
            if (count == rest.Length) (_piece, _offset) = (_piece + 1, 0);
            return new(count);
        }

        public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).Result;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => default;

        public override void Write(byte[] buffer, int offset, int count)
        {
        }

        public override void Flush()
        {
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
