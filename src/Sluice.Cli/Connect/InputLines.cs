using System.Buffers;
using System.IO.Pipelines;
using System.Text.Unicode;
using Sluice.Protocol;

namespace Sluice.Cli.Connect;

/// <summary>The lines of the input, each a message. A last line without its end counts, an empty line is an empty message.</summary>
internal sealed class InputLines(PipeReader input, MessageType type, long maxLength) : IMessageSource
{
    private long _number;
    private long _looked; // how much of the buffer is known to have no line end
    private ReadOnlySequence<byte> _rest;
    private bool _isDone;

    // Over one connection after the other: each call goes on where the one before was interrupted.
    public async Task SendAllAsync(Func<MessageType, ReadOnlyMemory<byte>, ValueTask> send, CancellationToken cancellation)
    {
        while (!_isDone)
        {
            var read = await input.ReadAsync(cancellation).ConfigureAwait(false);
            _rest = read.Buffer;
            var examined = _rest.Start; // an interrupted call's lines are there for the next
            try
            {
                while (_rest.Slice(_looked).PositionOf((byte)'\n') is { } end)
                {
                    await TakeAsync(send, _rest.Slice(0, end), _rest.Slice(_rest.GetPosition(1, end))).ConfigureAwait(false);
                }
                _looked = _rest.Length;
                if (_looked > maxLength) throw TooLong(_number + 1);
                examined = _rest.End;
                if (!read.IsCompleted) continue;
                if (_looked > 0) await TakeAsync(send, _rest, _rest.Slice(_rest.End)).ConfigureAwait(false);
                _isDone = true;
            }
            finally
            {
                input.AdvanceTo(_rest.Start, _isDone || examined.Equals(_rest.End) ? _rest.End : _rest.Start);
                _rest = default;
            }
        }
    }

    private async ValueTask TakeAsync(
        Func<MessageType, ReadOnlyMemory<byte>, ValueTask> send, ReadOnlySequence<byte> line, ReadOnlySequence<byte> behind)
    {
        try
        {
            await SendAsync(send, line).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _number--;
            throw; // it was not sent
        }
        catch (WebSocketClosedException)
        {
            Pass(behind);
            throw; // it may have arrived
        }
        Pass(behind);
    }

    private void Pass(in ReadOnlySequence<byte> behind)
    {
        _rest = behind;
        _looked = 0;
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
