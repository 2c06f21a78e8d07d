using System.Buffers;
using System.IO.Pipelines;
using System.Text.Unicode;
using Sluice.Protocol;

namespace Sluice.Cli.Connect;

/// <summary>The lines of the input, each a message. A last line without its end counts, an empty line is an empty message.</summary>
internal sealed class InputLines(PipeReader input, MessageType type, long maxLength) : IMessageSource
{
    private long _number;

    public async Task SendAllAsync(Func<MessageType, ReadOnlyMemory<byte>, ValueTask> send, CancellationToken cancellation)
    {
        long looked = 0; // how much of the buffer is known to have no line end
        while (true)
        {
            var read = await input.ReadAsync(cancellation).ConfigureAwait(false);
            var buffer = read.Buffer;
            while (buffer.Slice(looked).PositionOf((byte)'\n') is { } end)
            {
                await SendAsync(send, buffer.Slice(0, end)).ConfigureAwait(false);
                buffer = buffer.Slice(buffer.GetPosition(1, end));
                looked = 0;
            }
            looked = buffer.Length;
            if (looked > maxLength) throw TooLong(_number + 1);
            if (read.IsCompleted)
            {
                if (looked > 0) await SendAsync(send, buffer).ConfigureAwait(false);
                return;
            }
            input.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private ValueTask SendAsync(Func<MessageType, ReadOnlyMemory<byte>, ValueTask> send, in ReadOnlySequence<byte> line)
    {
        _number++;
        if (line.Length > maxLength) throw TooLong(_number);
        var payload = line.IsSingleSegment ? line.First : line.ToArray();
        if (type == MessageType.Text && !Utf8.IsValid(payload.Span)) throw NotUtf8(payload.Span);
        return send(type, payload);
    }

    private InputException TooLong(long number)
        => new($"line {number} of the input is longer than {maxLength} bytes; allow longer ones with --max-message");

    private InputException NotUtf8(ReadOnlySpan<byte> line)
    {
        var validator = new Utf8Validator();
        validator.TryAppend(line);
        return new($"line {_number} of the input is not UTF-8 (byte {validator.ValidLength + 1}); send it with --binary");
    }
}
