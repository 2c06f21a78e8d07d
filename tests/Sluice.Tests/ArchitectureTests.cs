using System.Reflection;
using System.Reflection.Emit;

namespace Sluice.Tests;

/// <summary>The arrows between the layers: what stands below knows nothing of what stands above.</summary>
public class ArchitectureTests
{
    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    // What is pure needs no I/O, no task and no clock.
    private static readonly string[] ForbiddenNamespaces =
        ["System.Threading.Tasks", "System.IO", "System.Net", "System.Threading", "System.Diagnostics.Metrics", "Microsoft"];

    private static readonly Type[] ForbiddenTypes =
        [typeof(TimeProvider), typeof(DateTime), typeof(DateTimeOffset), typeof(Environment), typeof(System.Diagnostics.Stopwatch)];

    // An address is a value, too, and its parser knows its grammar. A lock guards the pool of compressors; it waits for nobody's I/O.
    private static readonly Type[] Pure = [typeof(System.Net.IPAddress), typeof(Lock), typeof(Lock.Scope)];

    // The two that belong to every layer: what a violation is answered with.
    private static readonly Type[] Shared = [typeof(CloseCode), typeof(CloseCodeExtensions)];

    private static readonly Assembly Sluice = typeof(WebSocketConnection).Assembly;

    [Theory]
    [InlineData("Sluice.Protocol", "Sluice.Protocol")]
    [InlineData("Sluice.Handshake", "Sluice.Handshake", "Sluice.Protocol")]
    [InlineData("Sluice.Compression", "Sluice.Compression", "Sluice.Handshake", "Sluice.Protocol")]
    public void The_pure_layers_use_nothing_but_bytes_and_each_other(string layer, params string[] allowed)
    {
        var types = Sluice.GetTypes().Where(t => t.Namespace == layer).ToList();
        types.Count.ShouldBeGreaterThan(5);
        var wrong = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var type in types)
        {
            foreach (var used in Uses(type).SelectMany(Parts))
            {
                var bySpace = ForbiddenNamespaces.Any(n => used.Namespace == n || used.Namespace?.StartsWith(n + ".", StringComparison.Ordinal) == true);
                var above = used.Assembly == Sluice && used.Namespace is { } space && !allowed.Contains(space) && !Shared.Contains(used)
                    && space.StartsWith("Sluice", StringComparison.Ordinal);
                if ((bySpace && !Pure.Contains(used)) || above || ForbiddenTypes.Contains(used)) wrong.Add($"{type.Name} uses {used}");
            }
        }
        wrong.ShouldBeEmpty();
    }

    [Fact]
    public void Sluice_needs_nothing_beyond_the_base_class_library()
    {
        var runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        foreach (var reference in Sluice.GetReferencedAssemblies())
        {
            File.Exists(Path.Combine(runtime, reference.Name + ".dll")).ShouldBeTrue($"{reference.Name} is not part of Microsoft.NETCore.App");
        }
    }

    // Fields, signatures, and every type, method and field that a method's code names.
    private static IEnumerable<Type> Uses(Type type)
    {
        if (type.BaseType is { } parent) yield return parent;
        foreach (var implemented in type.GetInterfaces()) yield return implemented;
        foreach (var field in type.GetFields(All)) yield return field.FieldType;
        foreach (var method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
        {
            if (method is MethodInfo info) yield return info.ReturnType;
            foreach (var parameter in method.GetParameters()) yield return parameter.ParameterType;
            foreach (var used in InCode(method)) yield return used;
        }
    }

    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.HasElementType) return Parts(type.GetElementType()!);
        return type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type) : [type];
    }

    private static IEnumerable<Type> InCode(MethodBase method)
    {
        var code = method.GetMethodBody()?.GetILAsByteArray();
        if (code is null) yield break;
        foreach (var local in method.GetMethodBody()!.LocalVariables) yield return local.LocalType;
        var typeArguments = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (var at = 0; at < code.Length;)
        {
            var opcode = code[at] == 0xFE ? TwoByte[code[at + 1]] : OneByte[code[at]];
            at += opcode.Size;
            if (opcode.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
            {
                var member = method.Module.ResolveMember(BitConverter.ToInt32(code, at), typeArguments, methodArguments);
                if (member is Type named) yield return named;
                else if (member?.DeclaringType is { } owner) yield return owner;
            }
            at += OperandSize(opcode.OperandType, code, at);
        }
    }

    private static int OperandSize(OperandType type, byte[] code, int at) => type switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
        _ => 4,
    };

    private static readonly Dictionary<int, OpCode> OneByte = Codes(size: 1);
    private static readonly Dictionary<int, OpCode> TwoByte = Codes(size: 2);

    private static Dictionary<int, OpCode> Codes(int size) => typeof(OpCodes).GetFields().Select(f => (OpCode)f.GetValue(null)!)
        .Where(c => c.Size == size).ToDictionary(c => (int)(byte)c.Value);
}
