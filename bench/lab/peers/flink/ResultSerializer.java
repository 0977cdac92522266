import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Results; of use only where the sink is not chained to the windows. */
public final class ResultSerializer extends PlainSerializer<Result> {
  /** Its place in a checkpoint. */
  public static final class Snapshot
      extends SimpleTypeSerializerSnapshot<Result> {
    public Snapshot() {
      super(ResultSerializer::new);
    }
  }

  @Override
  public void serialize(Result result, DataOutputView out)
      throws IOException {
    writeBytes(result.key, out);
    writeBytes(result.value, out);
  }

  @Override
  public Result deserialize(DataInputView in) throws IOException {
    return new Result(readBytes(in), readBytes(in));
  }

  @Override
  public TypeSerializerSnapshot<Result> snapshotConfiguration() {
    return new Snapshot();
  }
}
