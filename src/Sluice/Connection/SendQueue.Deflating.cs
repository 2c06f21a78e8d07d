using Sluice.Protocol;

namespace Sluice;

/// <summary>
/// How data is compressed on its way out (RFC 7692 §7.2.1): a message is accepted first and compressed then, as what has
/// passed a compressor with context must be sent. Meanwhile the output is not locked, only other data waits.
/// </summary>
internal sealed partial class SendQueue
{
    /// <inheritdoc cref="MessageDeflater.HoldsCompressor"/>
    public bool HoldsCompressor => _deflater is { HoldsCompressor: true };

    /// <summary>No data is sent any more.</summary>
    public void EndCompression() => _deflater?.End();

    /// <summary>Takes the gate for sending data: the compressor's, then the output's.</summary>
    private DataScope EnterData() => new(_deflater?.Gate, this);

    private bool TryWriteDeflated(MessageDeflater deflater, in Outgoing message)
    {
        if (message.IsPrepared)
        {
            WritePrepared(deflater, message);
            return true;
        }
        // One that does not pass the compressor leaves its window as it is, as it does the peer's (§7.2.3.2).
        if (message.IsPlain || !(message.Stream is null ? deflater.Takes(message.Payload.Length) : deflater.TakesParts))
        {
            Write(message);
            return true;
        }
        var deflated = default(DeflatedPayload);
        try
        {
            deflated = Deflate(deflater, message);
            // Closed while it was compressed.
            if (_closeQueued || IsLost) return false;
            if (deflated.IsNone && message.Stream is null)
            {
                Write(message);
                return true;
            }
            Write(message.Opcode, deflated.Bytes, message.Fin, Mark(message.Opcode));
            _options.Metrics.Deflated(message.Payload.Length, deflated.Length);
            return true;
        }
        catch (ObjectDisposedException) when (_closeQueued)
        {
            return false; // the connection ended, and its compressor with it
        }
        finally
        {
            deflated.Return();
        }
    }

    // §6: RSV1 marks a message, on its first frame.
    private static ReservedBits Mark(Opcode opcode) => opcode == Opcode.Continuation ? ReservedBits.None : ReservedBits.Rsv1;

    private DeflatedPayload Deflate(MessageDeflater deflater, in Outgoing message)
    {
        var payload = message.Payload.Span;
        Monitor.Exit(this);
        try
        {
            return message.Stream is null
                ? deflater.Deflate(payload)
                : deflater.DeflatePart(payload, message.Opcode != Opcode.Continuation, message.Fin);
        }
        finally
        {
            Monitor.Enter(this);
        }
    }

    private void WritePrepared(MessageDeflater deflater, in Outgoing message)
    {
        if (message.Deflated is not { } deflated)
        {
            Write(message);
            return;
        }
        deflater.Forget();
        if (message.Prepared is null) Write(message.Opcode, deflated.Payload, fin: true, ReservedBits.Rsv1);
        else Copy(deflated.ServerFrame);
        _options.Metrics.Deflated(message.Payload.Length, deflated.Payload.Length);
    }

    private readonly ref struct DataScope
    {
        private readonly Lock.Scope _compressor;
        private readonly FrameOutput _output;

        public DataScope(Lock? compressor, FrameOutput output)
        {
            _compressor = compressor is null ? default : compressor.EnterScope();
            _output = output;
            Monitor.Enter(output);
        }

        public void Dispose()
        {
            Monitor.Exit(_output);
            _compressor.Dispose();
        }
    }
}
