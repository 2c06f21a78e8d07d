using System.Text;
using System.Text.Unicode;
using BenchmarkDotNet.Attributes;
using Sluice.Protocol;

namespace Sluice.Micro;

/// <summary>The incremental validator against the base class library's check of a whole text.</summary>
[MemoryDiagnoser]
public class Utf8Benchmark
{
    private byte[] _text = [];
    private Utf8Validator _validator;

    [Params("ASCII", "mixed", "CJK")]
    public string Script { get; set; } = "";

    [Params(64, 1024, 65536)]
    public int Length { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var sample = Script switch
        {
            "ASCII" => "The quick brown fox jumps over the lazy dog. ",
            "mixed" => "Zwölf Boxkämpfer jagen Виктор quer über den Sylter Deich 🌊 at 10 €. ",
            _ => "春眠不覺曉處處聞啼鳥夜來風雨聲花落知多少",
        };
        var text = new StringBuilder();
        while (Encoding.UTF8.GetByteCount(sample) * (text.Length / sample.Length) < Length) text.Append(sample);
        _text = Encoding.UTF8.GetBytes(text.ToString())[..Length]; // may end inside a character

        // The library's check wants whole characters; blanks in place of a cut one keep the lengths equal.
        for (var i = Length; !Utf8.IsValid(_text); i--) _text[i - 1] = (byte)' ';
    }

    [Benchmark(Baseline = true)]
    public bool IsValid() => Utf8.IsValid(_text);

    [Benchmark]
    public bool TryAppend()
    {
        _validator.Reset();
        return _validator.TryAppend(_text) && _validator.IsComplete;
    }
}
